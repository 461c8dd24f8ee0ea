//! Why a class or function that a pickle names is not read, in words for whoever made the file, and what is read instead.

use super::allow_list::classes_of;
use crate::error::{Cause, Error};

/// Where scikit-learn's transformers are, and what puts them together.
const TRANSFORMERS: &[&str] =
    &["sklearn.compose.", "sklearn.feature_selection.", "sklearn.impute", "sklearn.pipeline", "sklearn.preprocessing."];

/// Where the estimators are that are read.
const ESTIMATORS: &[&str] = &["sklearn.linear_model.", "sklearn.svm."];

/// Packages of scikit-learn that hold nothing or little but estimators.
const PACKAGES_OF_ESTIMATORS: &[&str] = &[
    "calibration",
    "cluster",
    "cross_decomposition",
    "discriminant_analysis",
    "dummy",
    "ensemble",
    "gaussian_process",
    "isotonic",
    "kernel_ridge",
    "linear_model",
    "mixture",
    "model_selection",
    "multiclass",
    "multioutput",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "semi_supervised",
    "svm",
    "tree",
];

/// How the names of estimators end, in whichever package they are.
const ENDS_OF_ESTIMATORS: &[&str] = &["Classifier", "Regressor", "Regression", "SVC", "SVR", "CV"];

/// The classes of the list that a model may be made of.
fn supported_transformers() -> String {
    classes_of(TRANSFORMERS)
}

/// The estimators of the list.
pub(super) fn supported_estimators() -> String {
    classes_of(ESTIMATORS)
}

/// The error of a name that is not on the list.
pub(super) fn not_listed(module: &str, name: &str) -> Error {
    let reason = reason(module, name);
    let (module, name) = (module.escape_debug(), name.escape_debug());
    let message = format!("the file names {module}.{name}, {reason}. Nothing of it was imported or run");
    Error::new(Cause::Unsupported, message)
}

fn reason(module: &str, name: &str) -> String {
    let package = module.split('.').next().unwrap_or_default();
    match package {
        "dill" | "cloudpickle" => format!(
            "by which {package} puts the code of a function or class into the file, and no code of a file is run here; \
             what is read are scikit-learn's own classes and, in a FunctionTransformer, NumPy's own functions by name \
             (func=np.log1p)"
        ),
        "__main__" => "which the program defined that made the file, and which is not in the file; what is read are \
                       scikit-learn's own classes and, in a FunctionTransformer, NumPy's own functions by name \
                       (func=np.log1p)"
            .to_owned(),
        _ => format!("which is not supported; {}", instead_of(module, name)),
    }
}

/// What is supported in the place of a class that is not, for a message.
fn instead_of(module: &str, name: &str) -> String {
    let Some(package) = module.strip_prefix("sklearn.").and_then(|rest| rest.split('.').next()) else {
        return "supported are the transformers and linear models that docs/scikit-learn.md lists, and numpy arrays"
            .to_owned();
    };
    if PACKAGES_OF_ESTIMATORS.contains(&package) || ENDS_OF_ESTIMATORS.iter().any(|end| name.ends_with(end)) {
        return format!("supported estimators are {}", supported_estimators());
    }
    format!("supported transformers are {}", supported_transformers())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_list_the_classes_by_name() {
        let estimators = instead_of("sklearn.linear_model._bayes", "BayesianRidge");
        assert!(estimators.starts_with("supported estimators are ElasticNet, ElasticNetCV, Lasso,"), "{estimators}");
        assert!(
            estimators.contains("RidgeClassifierCV, SGDClassifier") && estimators.contains("LinearSVC"),
            "{estimators}"
        );
        let all = instead_of("sklearn.decomposition._pca", "PCA");
        for class in ["Binarizer", "ColumnTransformer", "SimpleImputer", "SelectKBest", "TargetEncoder"] {
            assert!(all.contains(class), "{class} is missing from {all}");
        }
        assert!(instead_of("os", "system").ends_with("that docs/scikit-learn.md lists, and numpy arrays"));
        for part in ["_RemainderColsList", "make_column_selector", "KFold", "MissingIndicator"] {
            assert!(!all.contains(part), "{all}");
        }
    }

    #[test]
    fn in_the_place_of_an_estimator_estimators_are_named_wherever_it_is_defined() {
        for (module, name) in [
            ("sklearn.ensemble._forest", "RandomForestClassifier"),
            ("sklearn.ensemble.forest", "RandomForestRegressor"),
            ("sklearn.dummy", "DummyClassifier"),
            ("sklearn.compose._target", "TransformedTargetRegressor"),
            ("sklearn.multioutput", "MultiOutputRegressor"),
            ("sklearn.calibration", "CalibratedClassifierCV"),
            ("sklearn.cross_decomposition._pls", "PLSRegression"),
        ] {
            let message = not_listed(module, name).to_string();
            assert!(message.contains("; supported estimators are ElasticNet"), "{message}");
        }
    }

    #[test]
    fn code_in_a_file_is_refused_as_code_and_a_class_of_somebodys_own_as_one() {
        for (module, name, expected) in [
            ("dill._dill", "_create_function", "by which dill puts the code of a function or class into the file"),
            ("cloudpickle.cloudpickle", "_builtin_type", "by which cloudpickle puts the code"),
            ("cloudpickle.cloudpickle_fast", "_function_setstate", "by which cloudpickle puts the code"),
            ("__main__", "add_one", "which the program defined that made the file"),
            ("xgboost.sklearn", "XGBClassifier", "which is not supported; supported are scikit-learn's"),
        ] {
            let error = not_listed(module, name);
            assert!(error.message().contains(expected), "{error}");
            assert_eq!(error.cause(), Cause::Unsupported);
        }
    }
}

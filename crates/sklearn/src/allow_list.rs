//! The classes and functions of scikit-learn that a pickle may name: those of the transformers and estimators, and
//! why the others are refused.

use crate::artifact::class_list::{ClassList, ClassNames};
use crate::estimators::registry::{self, supported_estimators};
use crate::transformers::class::{self, supported_transformers};
use byoc_formats::pickle::{AllowList, Listed, Usage};
use std::sync::LazyLock;

/// The list for [`byoc_formats::pickle::read`].
#[derive(Clone, Copy, Debug)]
pub struct ScikitLearn;

static CLASSES: LazyLock<ClassList> = LazyLock::new(|| {
    let all = class::class_names().chain(registry::class_names()).chain(ANY_OBJECT.iter().copied());
    ClassList::new(all, reason)
});

impl AllowList for ScikitLearn {
    fn find(&self, module: &str, name: &str) -> Option<Listed> {
        CLASSES.find(module, name)
    }

    fn reason(&self, module: &str, name: &str) -> String {
        CLASSES.reason(module, name)
    }
}

/// Names that objects of any class may refer to.
const ANY_OBJECT: &[ClassNames] = &[ClassNames {
    modules: &["sklearn.utils._metadata_requests"],
    names: &["MetadataRequest", "MethodMetadataRequest"],
    usage: Usage::Object,
}];

/// Packages of scikit-learn that contain almost only estimators.
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

/// The endings of the names of estimators, in any package.
const ENDS_OF_ESTIMATORS: &[&str] = &["Classifier", "Regressor", "Regression", "SVC", "SVR", "CV"];

/// The advice for a file that contains code.
const INSTEAD_OF_CODE: &str = "only scikit-learn's classes are read and, as the function of a transformer, \
                               NumPy's functions by name (func=np.log1p)";

fn listed(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn reason(module: &str, name: &str) -> String {
    let package = module.split('.').next().unwrap_or_default();
    match package {
        "dill" | "cloudpickle" => format!(
            "with which {package} stores a function or class as code, and byoc runs no code from a file; \
             {INSTEAD_OF_CODE}"
        ),
        "__main__" => {
            format!("which was defined in the program that wrote the file and is not in the file; {INSTEAD_OF_CODE}")
        }
        _ => format!("which is not supported; {}", instead_of(module, name)),
    }
}

/// The supported alternatives to an unsupported class, for a message.
fn instead_of(module: &str, name: &str) -> String {
    let Some(package) = module.strip_prefix("sklearn.").and_then(|rest| rest.split('.').next()) else {
        return "supported are the transformers and linear models that docs/scikit-learn.md lists, and numpy arrays"
            .to_owned();
    };
    if PACKAGES_OF_ESTIMATORS.contains(&package) || ENDS_OF_ESTIMATORS.iter().any(|end| name.ends_with(end)) {
        return format!("supported estimators are {}", listed(supported_estimators()));
    }
    format!("supported transformers are {}", listed(supported_transformers()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_account::Allowance;
    use byoc_formats::pickle;
    use std::collections::BTreeMap;
    use std::path::Path;

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
    fn an_unsupported_estimator_is_refused_with_the_supported_estimators() {
        for (module, name) in [
            ("sklearn.ensemble._forest", "RandomForestClassifier"),
            ("sklearn.ensemble.forest", "RandomForestRegressor"),
            ("sklearn.dummy", "DummyClassifier"),
            ("sklearn.compose._target", "TransformedTargetRegressor"),
            ("sklearn.multioutput", "MultiOutputRegressor"),
            ("sklearn.calibration", "CalibratedClassifierCV"),
            ("sklearn.cross_decomposition._pls", "PLSRegression"),
        ] {
            let message = reason(module, name);
            assert!(message.contains("; supported estimators are ElasticNet"), "{message}");
        }
    }

    #[test]
    fn code_in_a_file_is_refused_as_code_and_a_users_class_as_such() {
        for (module, name, expected) in [
            ("dill._dill", "_create_function", "with which dill stores a function or class as code"),
            ("cloudpickle.cloudpickle", "_builtin_type", "with which cloudpickle stores a function or class as code"),
            (
                "cloudpickle.cloudpickle_fast",
                "_function_setstate",
                "with which cloudpickle stores a function or class as code",
            ),
            ("__main__", "add_one", "which was defined in the program that wrote the file"),
            ("xgboost.sklearn", "XGBClassifier", "which is not supported; supported are the transformers"),
        ] {
            let reason = reason(module, name);
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn an_unsupported_class_is_named_with_its_steps_and_the_supported_classes() {
        let message = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/pickle/unsupported").join(name);
            let error = pickle::read(std::fs::read(path).unwrap(), &ScikitLearn, &Allowance::unbounded())
                .map(drop)
                .unwrap_err();
            assert_eq!(error.cause(), byoc_formats::error::Cause::Unsupported);
            error.message().to_owned()
        };
        let bayesian = message("bayesian_ridge.joblib");
        let expected = "step \"price\": the file names sklearn.linear_model._bayes.BayesianRidge, which is not supported; supported \
                        estimators are ElasticNet, ElasticNetCV, Lasso, LassoCV, LinearRegression, LinearSVC, \
                        LinearSVR, ";
        assert!(bayesian.starts_with(expected), "{bayesian}");
        let alone = message("one_step.joblib");
        assert!(
            alone.starts_with("step \"only\": the file names sklearn.linear_model._huber.HuberRegressor"),
            "{alone}"
        );
        let nested = message("nested_pca.joblib");
        let expected =
            "step \"prepare\": step \"num\": step \"shrink\": the file names sklearn.decomposition._pca.PCA, which";
        assert!(nested.starts_with(expected), "{nested}");
        assert!(nested.contains("Binarizer, ColumnTransformer, FeatureUnion"), "{nested}");
    }

    #[test]
    fn each_name_has_one_usage_and_a_class_is_found_under_each_of_its_module_paths() {
        let all = class::class_names().chain(registry::class_names()).chain(ANY_OBJECT.iter().copied());
        let mut seen = BTreeMap::new();
        for ClassNames { modules, names, usage } in all {
            for (module, name) in modules.iter().flat_map(|module| names.iter().map(move |name| (*module, *name))) {
                assert!(!name.contains('.'), "{name}");
                assert_eq!(seen.insert((module, name), usage), None, "{module}.{name} is listed twice");
                assert!(ScikitLearn.find(module, name).is_some_and(|found| found.usage == usage), "{module}.{name}");
            }
        }
        for module in ["sklearn.preprocessing._polynomial", "sklearn.preprocessing._data", "sklearn.preprocessing.data"]
        {
            assert!(seen.contains_key(&(module, "PolynomialFeatures")), "{module}");
        }
    }

    #[test]
    fn names_beside_or_below_a_listed_one_are_not_on_the_list() {
        for (module, name) in [
            ("sklearn.datasets._base", "load_files"),
            ("sklearn.preprocessing._data", "StandardSkaler"),
            ("sklearn.preprocessing._data", ""),
            ("sklearn.preprocessing", "StandardScaler"),
        ] {
            assert_eq!(ScikitLearn.find(module, name), None, "{module}.{name}");
        }
    }
}

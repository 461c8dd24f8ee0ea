//! The classes of linear estimators. To add one that is a linear function of its features, add its line to `CLASSES`.

use super::probabilities::{self, Probabilities};
use crate::artifact::attributes::Attributes;
use crate::artifact::class_list::ClassNames;
use crate::columns::feature::Refuses;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::Usage;

/// A class of estimators.
pub(crate) struct EstimatorClass {
    name: &'static str,
    /// The modules that scikit-learn 0.20 to 1.9 have written for it.
    modules: &'static [&'static str],
    pub(crate) kind: Kind,
    /// What it refuses in a sparse matrix.
    pub(crate) refuses_sparse: Refuses,
}

/// How the answer is computed from the linear function.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Its values are the predictions.
    Regressor,
    /// Its values are decision values (`sklearn.linear_model._base.LinearClassifierMixin`). The function returns how
    /// they become probabilities, if they do, from the object's parameters, the number of classes and the version.
    Classifier(fn(Attributes<'_>, usize, Version) -> Result<Option<Probabilities>>),
}

const BASE: &[&str] = &["sklearn.linear_model._base", "sklearn.linear_model.base"];
const RIDGE: &[&str] = &["sklearn.linear_model._ridge", "sklearn.linear_model.ridge"];
const DESCENT: &[&str] = &["sklearn.linear_model._coordinate_descent", "sklearn.linear_model.coordinate_descent"];
const LOGISTIC: &[&str] = &["sklearn.linear_model._logistic", "sklearn.linear_model.logistic"];
const SGD: &[&str] = &["sklearn.linear_model._stochastic_gradient", "sklearn.linear_model.stochastic_gradient"];
const PERCEPTRON: &[&str] = &["sklearn.linear_model._perceptron", "sklearn.linear_model.perceptron"];
const SVM: &[&str] = &["sklearn.svm._classes", "sklearn.svm.classes"];

const fn regressor(name: &'static str, modules: &'static [&'static str]) -> EstimatorClass {
    EstimatorClass { name, modules, kind: Kind::Regressor, refuses_sparse: Refuses::InfinityAndMissing }
}

/// An estimator that multiplies a sparse matrix without checking its values.
const fn unchecked(name: &'static str, modules: &'static [&'static str]) -> EstimatorClass {
    EstimatorClass { name, modules, kind: Kind::Regressor, refuses_sparse: Refuses::Nothing }
}

const fn classifier(
    name: &'static str,
    modules: &'static [&'static str],
    probabilities: fn(Attributes<'_>, usize, Version) -> Result<Option<Probabilities>>,
) -> EstimatorClass {
    let kind = Kind::Classifier(probabilities);
    EstimatorClass { name, modules, kind, refuses_sparse: Refuses::InfinityAndMissing }
}

const CLASSES: &[EstimatorClass] = &[
    unchecked("ElasticNet", DESCENT),
    unchecked("ElasticNetCV", DESCENT),
    unchecked("Lasso", DESCENT),
    unchecked("LassoCV", DESCENT),
    regressor("LinearRegression", BASE),
    classifier("LinearSVC", SVM, probabilities::none),
    regressor("LinearSVR", SVM),
    classifier("LogisticRegression", LOGISTIC, probabilities::of_logistic_regression),
    classifier("LogisticRegressionCV", LOGISTIC, probabilities::of_logistic_regression),
    classifier("Perceptron", PERCEPTRON, probabilities::none),
    regressor("Ridge", RIDGE),
    regressor("RidgeCV", RIDGE),
    classifier("RidgeClassifier", RIDGE, probabilities::none),
    classifier("RidgeClassifierCV", RIDGE, probabilities::none),
    classifier("SGDClassifier", SGD, probabilities::of_loss),
    regressor("SGDRegressor", SGD),
];

/// Classes in attributes of fitted estimators that predictions do not need. 1.6 wrote the module name as `_loss`.
const COMPANIONS: &[ClassNames] = &[
    ClassNames {
        modules: &["sklearn.linear_model._sgd_fast", "sklearn.linear_model.sgd_fast"],
        names: &[
            "EpsilonInsensitive",
            "Hinge",
            "Huber",
            "Log",
            "ModifiedHuber",
            "SquaredEpsilonInsensitive",
            "SquaredHinge",
            "SquaredLoss",
        ],
        usage: Usage::Call,
    },
    ClassNames {
        modules: &["_loss", "sklearn._loss._loss"],
        names: &["CyHalfBinomialLoss", "CyHalfSquaredError", "CyHuberLoss"],
        usage: Usage::Call,
    },
    ClassNames {
        modules: &["sklearn.preprocessing._label", "sklearn.preprocessing.label"],
        names: &["LabelEncoder"],
        usage: Usage::Object,
    },
];

/// The class of this name.
pub(crate) fn find(name: &str) -> Option<&'static EstimatorClass> {
    CLASSES.iter().find(|class| class.name == name)
}

/// The names of the classes that are applied, in alphabetical order.
pub fn supported_estimators() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = CLASSES.iter().map(|class| class.name).collect();
    names.sort_unstable();
    names.into_iter()
}

/// The names of all classes and of what their objects refer to.
pub(crate) fn class_names() -> impl Iterator<Item = ClassNames> {
    let own = CLASSES.iter().map(|class| ClassNames {
        modules: class.modules,
        names: std::slice::from_ref(&class.name),
        usage: Usage::Object,
    });
    own.chain(COMPANIONS.iter().copied())
}

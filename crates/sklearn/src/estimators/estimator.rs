//! The estimators that are applied, and which of their methods answers.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::demand::Demand;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::estimators::classes::Classes;
use crate::estimators::linear::Linear;
use crate::estimators::probabilities::Probabilities;
use crate::preprocessor::Method;
use byoc_formats::error::{Cause, Result};
use byoc_formats::pickle::Value;
use byoc_formats::rows::predictions::Scores;
use byoc_formats::rows::table::Column;

/// Classes whose `predict` is a linear function.
const REGRESSORS: &[&str] = &[
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LinearSVR",
    "Ridge",
    "RidgeCV",
    "SGDRegressor",
];

/// Classes whose `decision_function` is one (`sklearn.linear_model._base.LinearClassifierMixin`).
const CLASSIFIERS: &[&str] = &[
    "LinearSVC",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
];

/// Nanoseconds that an exponential takes on a slow core.
const EXPONENTIAL: u64 = 30;

/// A linear function of the features, and what is answered of it.
#[derive(Debug)]
pub(crate) struct Estimator {
    /// The class, for the log.
    class: Box<str>,
    linear: Linear,
    answer: Answer,
}

/// What is made of the linear function's values.
#[derive(Debug)]
enum Answer {
    /// The values themselves: a regressor's `predict`, a classifier's `decision_function`.
    Values(Method),
    /// `predict` of a classifier.
    Classes(Classes),
    /// `predict_proba`.
    Probabilities(Probabilities, Classes),
}

/// The names of the classes that are applied here.
pub fn supported_estimators() -> impl Iterator<Item = &'static str> {
    REGRESSORS.iter().chain(CLASSIFIERS).copied()
}

/// Whether a fitted object is one of the estimators that are applied here.
pub(crate) fn is_supported(object: Attributes<'_>) -> bool {
    REGRESSORS.contains(&object.class()) || CLASSIFIERS.contains(&object.class())
}

/// Scores, labels, or both.
type Answers<'a> = (Option<Scores<'a>>, Option<Column<'a>>);

impl Estimator {
    /// Reads `coef_`, `intercept_`, and what the method that is asked for needs.
    pub(crate) fn build<'t>(
        value: Value<'t>,
        asked: Option<Method>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Estimator> {
        let Some(object) = Attributes::of(value).filter(|object| is_supported(*object)) else {
            let found = value.describe();
            return Err(value.error(format!("expected a fitted linear estimator, found {found}")));
        };
        let linear = Linear::read(object, input.sparse, builder)?;
        builder.accept(input, object, linear.features())?;
        let method = asked.unwrap_or(Method::Predict);
        let answer = if REGRESSORS.contains(&object.class()) {
            Answer::of_regressor(object, method)?
        } else {
            Answer::of_classifier(object, method, linear.outputs(), builder)?
        };
        builder.keep(object.class().len())?;
        Ok(Estimator { class: object.class().into(), linear, answer })
    }

    /// Answers for each row.
    ///
    /// # Errors
    /// For text that is no number, and for missing values and infinity, as every linear model of scikit-learn.
    pub(crate) fn apply<'a>(&'a self, features: Vec<Feature<'_, 'a>>, rows: usize) -> Result<Answers<'a>, Fault> {
        let values = self.linear.apply(features, rows)?;
        Ok(match &self.answer {
            Answer::Values(method) => {
                // A classifier of two classes ravels what it has for both.
                let flat = self.linear.is_flat() || (*method == Method::DecisionFunction && self.linear.outputs() == 1);
                (Some(scores(values.into_columns(), flat)), None)
            }
            Answer::Classes(classes) => (None, Some(classes.of(&values))),
            Answer::Probabilities(probabilities, classes) => {
                let labels = classes.of(&values);
                let scores = Scores::Each(probabilities.of(values).into_columns());
                (Some(scores), Some(labels))
            }
        })
    }

    /// What a row of so many features takes: a product for each feature and output, and up to three values for an output.
    pub(crate) fn demand(&self, features: usize) -> Demand {
        let outputs = self.linear.outputs();
        let products = features.saturating_mul(outputs) as u64;
        let demand = Demand::of(features, outputs.saturating_add(1).saturating_mul(3), EXPONENTIAL);
        Demand { width: outputs, nanoseconds: demand.nanoseconds.saturating_add(products), ..demand }
    }

    /// The linear function.
    pub(crate) fn linear(&self) -> &Linear {
        &self.linear
    }

    /// The method that answers.
    pub(crate) fn method(&self) -> Method {
        self.answer.method()
    }
}

/// A number for each row, or a list, even if it is of one: a regressor whose target was a table answers one.
fn scores<'a>(mut columns: Vec<Column<'a>>, flat: bool) -> Scores<'a> {
    if flat && columns.len() == 1 { Scores::One(columns.remove(0)) } else { Scores::Each(columns) }
}

impl Answer {
    fn of_regressor(object: Attributes<'_>, method: Method) -> Result<Answer> {
        match method {
            Method::Predict => Ok(Answer::Values(method)),
            _ => Err(no_method(object, method, &["predict"])),
        }
    }

    fn of_classifier<'t>(
        object: Attributes<'t>,
        method: Method,
        outputs: usize,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Answer> {
        let classes = Classes::read(object, outputs, builder)?;
        let probabilities = Probabilities::of_estimator(object, classes.len(), builder.version)?;
        match (method, probabilities) {
            (Method::DecisionFunction, _) => Ok(Answer::Values(method)),
            (Method::Predict, _) => Ok(Answer::Classes(classes)),
            (Method::PredictProba, Some(probabilities)) => Ok(Answer::Probabilities(probabilities, classes)),
            (_, Some(_)) => Err(no_method(object, method, &["predict", "predict_proba", "decision_function"])),
            (_, None) => Err(no_method(object, method, &["predict", "decision_function"])),
        }
    }

    fn method(&self) -> Method {
        match self {
            Answer::Values(method) => *method,
            Answer::Classes(_) => Method::Predict,
            Answer::Probabilities(..) => Method::PredictProba,
        }
    }
}

fn no_method(object: Attributes<'_>, method: Method, methods: &[&str]) -> byoc_formats::error::Error {
    let error = object.error(format_args!(
        "{} is asked for, which it does not have as it was fitted: expected {}, or no method",
        method.name(),
        methods.join(" or ")
    ));
    error.because(Cause::NoSuchMethod)
}

impl std::fmt::Display for Estimator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.class, self.answer.method().name())?;
        match &self.answer {
            Answer::Values(_) if self.linear.outputs() > 1 => write!(f, " of {} outputs", self.linear.outputs()),
            Answer::Values(_) => Ok(()),
            Answer::Classes(classes) | Answer::Probabilities(_, classes) => write!(f, " of {} classes", classes.len()),
        }
    }
}

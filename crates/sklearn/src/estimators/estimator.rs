//! A fitted estimator and the method that it applies.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::demand::Demand;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses};
use crate::estimators::classes::Classes;
use crate::estimators::linear::Linear;
use crate::estimators::probabilities::Probabilities;
use crate::estimators::registry::{self, Kind};
use crate::method::Method;
use byoc_formats::error::{Cause, Result};
use byoc_formats::pickle::Value;
use byoc_formats::rows::predictions::Scores;
use byoc_formats::rows::table::Column;

/// Nanoseconds that an exponential takes on a slow core.
const EXPONENTIAL: u64 = 30;

/// A linear function of the features, and the answer that is computed from it.
#[derive(Debug)]
pub(crate) struct Estimator {
    /// The class, for the log.
    class: Box<str>,
    linear: Linear,
    answer: PredictionKind,
}

/// How the answer is computed from the values of the linear function.
#[derive(Debug)]
enum PredictionKind {
    /// The values themselves: a regressor's `predict`, a classifier's `decision_function`.
    Values(Method),
    /// `predict` of a classifier.
    Classes(Classes),
    /// `predict_proba`.
    Probabilities(Probabilities, Classes),
}

/// Scores, labels, or both.
type ScoresAndLabels<'a> = (Option<Scores<'a>>, Option<Column<'a>>);

impl Estimator {
    /// Reads `coef_`, `intercept_`, and the attributes that the method needs.
    pub(crate) fn build<'t>(
        value: Value<'t>,
        asked: Option<Method>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Estimator> {
        let known = Attributes::of(value).and_then(|object| Some((object, registry::find(object.class())?)));
        let Some((object, class)) = known else {
            let found = value.describe();
            return Err(value.error(format!("expected a fitted linear estimator, found {found}")));
        };
        let refuses = if input.sparse { class.refuses_sparse } else { Refuses::InfinityAndMissing };
        let linear = Linear::read(object, refuses, builder)?;
        builder.accept(input, object, linear.features())?;
        let method = asked.unwrap_or(Method::Predict);
        let answer = match class.kind {
            Kind::Regressor => PredictionKind::of_regressor(object, method)?,
            Kind::Classifier(probabilities) => {
                let classes = Classes::read(object, linear.outputs(), builder)?;
                let probabilities = probabilities(object, classes.len(), builder.version)?;
                PredictionKind::of_classifier(object, method, classes, probabilities)?
            }
        };
        builder.keep(object.class().len())?;
        Ok(Estimator { class: object.class().into(), linear, answer })
    }

    /// Answers for each row.
    ///
    /// # Errors
    /// For text that is not a number, and for missing values and infinity, like every linear model of scikit-learn.
    pub(crate) fn apply<'a>(
        &'a self,
        features: Vec<Feature<'_, 'a>>,
        rows: usize,
    ) -> Result<ScoresAndLabels<'a>, Fault> {
        let values = self.linear.apply(features, rows)?;
        Ok(match &self.answer {
            PredictionKind::Values(method) => {
                // A classifier of two classes flattens its values.
                let flat = self.linear.is_flat() || (*method == Method::DecisionFunction && self.linear.outputs() == 1);
                (Some(scores(values.into_columns(), flat)), None)
            }
            PredictionKind::Classes(classes) => (None, Some(classes.of(&values))),
            PredictionKind::Probabilities(probabilities, classes) => {
                let labels = classes.of(&values);
                let scores = Scores::Each(probabilities.of(values).into_columns());
                (Some(scores), Some(labels))
            }
        })
    }

    /// The demand of a row with `features` features: a product for each feature and output, and up to three values for
    /// each output.
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

    /// The method that it applies.
    pub(crate) fn method(&self) -> Method {
        self.answer.method()
    }
}

/// A number for each row, or a list, even of one item: a regressor that was fitted on a table answers lists.
fn scores<'a>(mut columns: Vec<Column<'a>>, flat: bool) -> Scores<'a> {
    if flat && columns.len() == 1 { Scores::One(columns.remove(0)) } else { Scores::Each(columns) }
}

impl PredictionKind {
    fn of_regressor(object: Attributes<'_>, method: Method) -> Result<PredictionKind> {
        match method {
            Method::Predict => Ok(PredictionKind::Values(method)),
            _ => Err(no_method(object, method, &["predict"])),
        }
    }

    fn of_classifier(
        object: Attributes<'_>,
        method: Method,
        classes: Classes,
        probabilities: Option<Probabilities>,
    ) -> Result<PredictionKind> {
        match (method, probabilities) {
            (Method::DecisionFunction, _) => Ok(PredictionKind::Values(method)),
            (Method::Predict, _) => Ok(PredictionKind::Classes(classes)),
            (Method::PredictProba, Some(probabilities)) => Ok(PredictionKind::Probabilities(probabilities, classes)),
            (_, Some(_)) => Err(no_method(object, method, &["predict", "predict_proba", "decision_function"])),
            (_, None) => Err(no_method(object, method, &["predict", "decision_function"])),
        }
    }

    fn method(&self) -> Method {
        match self {
            PredictionKind::Values(method) => *method,
            PredictionKind::Classes(_) => Method::Predict,
            PredictionKind::Probabilities(..) => Method::PredictProba,
        }
    }
}

fn no_method(object: Attributes<'_>, method: Method, methods: &[&str]) -> byoc_formats::error::Error {
    let error = object.error(format_args!(
        "the method is {}, which it does not have as it was fitted: expected {}, or no method",
        method.name(),
        methods.join(" or ")
    ));
    error.because(Cause::NoSuchMethod)
}

impl std::fmt::Display for Estimator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.class, self.answer.method().name())?;
        match &self.answer {
            PredictionKind::Values(_) if self.linear.outputs() > 1 => {
                write!(f, " of {} outputs", self.linear.outputs())
            }
            PredictionKind::Values(_) => Ok(()),
            PredictionKind::Classes(classes) | PredictionKind::Probabilities(_, classes) => {
                write!(f, " of {} classes", classes.len())
            }
        }
    }
}

//! The methods of fitted objects.

use byoc_formats::json_document::word;
use serde::{Deserialize, Deserializer};

/// A method of a transformer or an estimator of scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Rows to features: the only method of a transformer.
    Transform,
    /// A number for each row from a regressor, a class from a classifier.
    Predict,
    /// The probability of each class.
    PredictProba,
    /// The decision values of a linear classifier: the signed distance, or one for each class.
    DecisionFunction,
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
        const WORDS: &[(&str, Method)] = &[
            (Method::Transform.name(), Method::Transform),
            (Method::Predict.name(), Method::Predict),
            (Method::PredictProba.name(), Method::PredictProba),
            (Method::DecisionFunction.name(), Method::DecisionFunction),
        ];
        word(deserializer, WORDS)
    }
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 4] = [Method::Transform, Method::Predict, Method::PredictProba, Method::DecisionFunction];

    /// As scikit-learn spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Transform => "transform",
            Method::Predict => "predict",
            Method::PredictProba => "predict_proba",
            Method::DecisionFunction => "decision_function",
        }
    }

    /// The method of a name.
    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }
}

//! What may be asked of a fitted object.

use serde::Deserialize;

/// A method of a transformer or an estimator of scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Rows to features: a transformer's only one.
    Transform,
    /// A number for each row from a regressor, a class from a classifier.
    Predict,
    /// The probability of each class.
    PredictProba,
    /// What a linear classifier decides by: the signed distance, or one for each class.
    DecisionFunction,
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

//! Whose container the predictions look like: AWS's linear learner, or scikit-learn behind AWS's scikit-learn
//! container.

use crate::json_document::word;
use serde::{Deserialize, Deserializer};

/// How predictions are written.
///
/// | | linear learner | scikit-learn |
/// | --- | --- | --- |
/// | JSON | `{"predictions": [...]}` | the [`JsonForm`] |
/// | JSON Lines | decimals cut after the fifteenth | the [`JsonForm`], all decimals |
/// | CSV | a list of scores is one quoted cell, then the label | the array that scikit-learn answers |
/// | npy | the scores, then the label | the array that scikit-learn answers |
/// | recordio-protobuf | `score` and `predicted_label` | not written |
///
/// The array that scikit-learn answers holds the scores, or the labels if there are no scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionStyle {
    /// As SageMaker's linear learner answers.
    LinearLearner,
    /// As scikit-learn answers, with this form of JSON and JSON Lines.
    ScikitLearn(JsonForm),
}

/// The form of scikit-learn's predictions in JSON and JSON Lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonForm {
    /// The list of predictions, which AWS's scikit-learn container answers without a script of the user: it encodes the
    /// array that `predict` returns (`default_output_fn` in github.com/aws/sagemaker-scikit-learn-container).
    #[default]
    List,
    /// The linear learner's document, so that its clients can read the answer: `score` is a number or a list of
    /// numbers, `predicted_label` is a class as it was in `fit`.
    Predictions,
}

impl JsonForm {
    /// All forms.
    pub const ALL: [JsonForm; 2] = [JsonForm::List, JsonForm::Predictions];

    /// The name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            JsonForm::List => "list",
            JsonForm::Predictions => "predictions",
        }
    }

    /// The form with this name.
    pub fn from_name(name: &str) -> Option<JsonForm> {
        JsonForm::ALL.into_iter().find(|form| form.name() == name)
    }
}

impl<'de> Deserialize<'de> for JsonForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonForm, D::Error> {
        const WORDS: &[(&str, JsonForm)] =
            &[(JsonForm::List.name(), JsonForm::List), (JsonForm::Predictions.name(), JsonForm::Predictions)];
        word(deserializer, WORDS)
    }
}

//! `additional-params.json`: what is not in the network's files.

use super::PredictorType;
use byoc_formats::error::{Error, Result};
use byoc_formats::json_syntax;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// The members that are read; the others concern training.
#[derive(Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) predictor_type: PredictorType,
    /// The hyperparameter `loss`, if it is given.
    pub(super) loss_type: Option<String>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    predictor_type: Option<&'a RawValue>,
    #[serde(borrow)]
    loss_type: Option<&'a RawValue>,
    #[serde(borrow)]
    threshold: Option<&'a RawValue>,
    #[serde(borrow)]
    metrics_params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MetricsParams {
    threshold: Option<f64>,
}

impl Parameters {
    pub(super) fn parse(json: &[u8]) -> Result<Parameters> {
        let fields: Fields<'_> = serde_json::from_slice(json).map_err(|error| {
            let expected = "expected an object of parameters";
            Error::bad_artifact(match error.classify() {
                Category::Data => expected.to_owned(),
                _ => format!("{expected}: {}", json_syntax::describe(json, &error)),
            })
        })?;
        let kind: Option<String> = field("predictor_type", fields.predictor_type, "a name")?;
        let predictor_type = match kind.as_deref() {
            Some("regressor") => PredictorType::Regressor,
            Some("multiclass_classifier") => PredictorType::MulticlassClassifier,
            Some("binary_classifier") => {
                let threshold = match field("threshold", fields.threshold, "a number")? {
                    Some(threshold) => Some(threshold),
                    // The training metrics repeat it.
                    None => field("metrics_params", fields.metrics_params, "an object with a number as threshold")?
                        .and_then(|params: MetricsParams| params.threshold),
                };
                let missing = || {
                    Error::bad_artifact(
                        "field threshold: expected the number that scores are compared with, found none",
                    )
                };
                PredictorType::BinaryClassifier { threshold: threshold.ok_or_else(missing)? }
            }
            found => {
                return Err(Error::bad_artifact(format!(
                    "field predictor_type: expected regressor, binary_classifier or multiclass_classifier, found {}",
                    super::graph::shorten(found.unwrap_or("none"))
                )));
            }
        };
        Ok(Parameters { predictor_type, loss_type: field("loss_type", fields.loss_type, "a name")? })
    }
}

/// The value of a field; `null` counts as absent.
fn field<T: DeserializeOwned>(name: &str, value: Option<&RawValue>, expected: &str) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_str(value.get()).map_err(|_| {
        let found: String = value.get().chars().take(60).collect();
        Error::bad_artifact(format!("field {name}: expected {expected}, found {found}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::error::chain;

    #[test]
    fn the_threshold_of_a_binary_classifier_is_read_from_either_member() {
        for json in [
            r#"{"threshold": 0.25, "loss_type": "logistic", "predictor_type": "binary_classifier",
                "metrics_params": {"threshold": 9}}"#,
            r#"{"threshold": null, "loss_type": "logistic", "predictor_type": "binary_classifier",
                "metrics_params": {"threshold": 0.25, "f_beta": 1.0}}"#,
        ] {
            let parameters = Parameters::parse(json.as_bytes()).unwrap();
            assert_eq!(parameters.predictor_type, PredictorType::BinaryClassifier { threshold: 0.25 });
            assert_eq!(parameters.loss_type.as_deref(), Some("logistic"));
        }
        let regressor = Parameters::parse(br#"{"predictor_type": "regressor", "threshold": "unused"}"#).unwrap();
        assert_eq!(regressor, Parameters { predictor_type: PredictorType::Regressor, loss_type: None });
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_field_and_the_expectation() {
        for (json, expected) in [
            (
                r#"{}"#,
                "field predictor_type: expected regressor, binary_classifier or multiclass_classifier, found none",
            ),
            (
                r#"{"predictor_type": "knn"}"#,
                "field predictor_type: expected regressor, binary_classifier or multiclass_classifier, found knn",
            ),
            (r#"{"predictor_type": 3}"#, "field predictor_type: expected a name, found 3"),
            (
                r#"{"predictor_type": "binary_classifier", "threshold": "high"}"#,
                "field threshold: expected a number, found \"high\"",
            ),
            (
                r#"{"predictor_type": "binary_classifier"}"#,
                "field threshold: expected the number that scores are compared with, found none",
            ),
            (r#"{"predictor_type": "regressor", "loss_type": []}"#, "field loss_type: expected a name, found []"),
            (
                "",
                "expected an object of parameters: expected JSON: line 1, column 0: expected a value, found the end of the text",
            ),
        ] {
            assert_eq!(chain(&Parameters::parse(json.as_bytes()).unwrap_err()).to_string(), expected);
        }
    }
}

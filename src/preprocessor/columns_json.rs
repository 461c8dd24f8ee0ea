//! `columns.json`: what a pickle cannot say about the rows of a request.

use super::build::LabelPosition;
use crate::error::{Error, Result};
use serde::Deserialize;

/// The names of the columns of a row without a header, and where its label stands.
///
/// ```json
/// {"columns": ["YEAR_BUILT", "DECK"], "label": "PRICE", "label_position": "last", "method": "transform"}
/// ```
///
/// Every key may be absent or null. The label is not among the columns: a row may come with it or without.
#[derive(Debug, Default)]
pub struct ColumnsJson {
    pub(super) columns: Option<Vec<String>>,
    pub(super) label: Option<(String, LabelPosition)>,
    pub(super) method: Option<Method>,
}

/// What is asked of the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    Transform,
    Predict,
    PredictProba,
    DecisionFunction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    columns: Option<Vec<String>>,
    label: Option<String>,
    label_position: Option<WrittenPosition>,
    method: Option<Method>,
    /// How a script hands rows to the artifact: the answer is the same, so this is only checked.
    #[serde(rename = "input")]
    _input: Option<WrittenInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenPosition {
    First,
    Last,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenInput {
    Frame,
    Series,
    Numpy,
}

impl ColumnsJson {
    /// Reads a `columns.json`.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`](crate::error::Cause::BadArtifact) for what is no such document: unknown keys are refused
    /// by their name.
    pub fn parse(json: &[u8]) -> Result<ColumnsJson> {
        let written: Written = serde_json::from_slice(json)
            .map_err(|error| Error::bad_artifact(format!("columns.json could not be read: {error}")))?;
        let Written { columns, label, label_position, method, .. } = written;
        if let (Some(columns), Some(label)) = (&columns, &label)
            && columns.contains(label)
        {
            return Err(Error::bad_artifact(format!(
                "columns.json has the label {label:?} among the columns: expected the columns of a row without its label"
            )));
        }
        if label.is_none() && label_position.is_some() {
            return Err(Error::bad_artifact("columns.json has a label_position: expected a label too"));
        }
        let position = match label_position {
            Some(WrittenPosition::First) => LabelPosition::First,
            Some(WrittenPosition::Last) | None => LabelPosition::Last,
        };
        Ok(ColumnsJson { columns, label: label.map(|label| (label, position)), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_may_be_absent_or_null_and_the_label_comes_last_unless_said_otherwise() {
        let parsed = ColumnsJson::parse(b"{}").unwrap();
        assert!(parsed.columns.is_none() && parsed.label.is_none() && parsed.method.is_none());
        let json = br#"{"columns": ["a", "b"], "label": "y", "label_position": null, "method": "transform", "input": "series"}"#;
        let parsed = ColumnsJson::parse(json).unwrap();
        assert_eq!(parsed.columns.unwrap(), ["a", "b"]);
        assert_eq!(parsed.label.unwrap(), ("y".into(), LabelPosition::Last));
        assert_eq!(parsed.method, Some(Method::Transform));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_name() {
        let cases = [
            (r#"{"colums": []}"#, "unknown field `colums`"),
            (r#"{"method": "fit"}"#, "unknown variant `fit`"),
            (r#"{"label": "y", "label_position": "middle"}"#, "unknown variant `middle`"),
            (r#"{"label_position": "last"}"#, "expected a label too"),
            (r#"{"columns": ["a", "y"], "label": "y"}"#, "the label \"y\" among the columns"),
            ("[]", "columns.json could not be read"),
        ];
        for (json, expected) in cases {
            let message = ColumnsJson::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(expected), "{json}: {message}");
        }
    }
}

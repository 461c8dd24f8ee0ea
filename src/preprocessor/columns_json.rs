//! `columns.json`: what a pickle cannot say about the rows of a request.

use super::build::LabelPosition;
use super::method::Method;
use crate::error::{Error, Result};
use serde::Deserialize;

/// The names of the columns of a row without a header, and where its label stands.
///
/// ```json
/// {"columns": ["YEAR_BUILT", "DECK"], "label": "PRICE", "label_position": "last", "method": "transform"}
/// ```
///
/// Every key may be absent or null. The label is not among the columns: a row may come with it or without. A label that is
/// null, rather than absent, says that there is none, also where the artifact looks as if there were.
#[derive(Debug, Default)]
pub struct ColumnsJson {
    pub(super) columns: Option<Vec<String>>,
    pub(super) label: Label,
    /// What is asked of the artifact.
    pub method: Option<Method>,
}

/// What is said of a row's label.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Label {
    /// Nothing: the artifact may tell.
    #[default]
    Unsaid,
    /// `null`: a row never has one.
    None,
    /// Its name, and where it stands.
    Named(String, LabelPosition),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    columns: Option<Vec<String>>,
    /// Absent is one thing, null another.
    #[serde(default, deserialize_with = "present")]
    label: Option<Option<String>>,
    label_position: Option<WrittenPosition>,
    method: Option<Method>,
    /// How a script hands rows to the artifact: the answer is the same, so this is only checked.
    #[serde(rename = "input")]
    _input: Option<WrittenInput>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
        let written: Written = serde_json::from_slice(json).map_err(|error| {
            Error::bad_artifact(format!("expected {{\"columns\": [...], \"label\": ..., ...}}: {error}"))
        })?;
        let Written { columns, label, label_position, method, .. } = written;
        if let (Some(columns), Some(Some(label))) = (&columns, &label)
            && columns.contains(label)
        {
            return Err(Error::bad_artifact(format!(
                "columns.json has the label {label:?} among the columns: expected the columns of a row without its label"
            )));
        }
        if !matches!(label, Some(Some(_))) && label_position.is_some() {
            return Err(Error::bad_artifact("columns.json has a label_position: expected a label too"));
        }
        let position = match label_position {
            Some(WrittenPosition::First) => LabelPosition::First,
            Some(WrittenPosition::Last) | None => LabelPosition::Last,
        };
        let label = match label {
            None => Label::Unsaid,
            Some(None) => Label::None,
            Some(Some(label)) => Label::Named(label, position),
        };
        Ok(ColumnsJson { columns, label, method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_may_be_absent_or_null_and_the_label_comes_last_unless_said_otherwise() {
        let parsed = ColumnsJson::parse(b"{}").unwrap();
        assert!(parsed.columns.is_none() && parsed.label == Label::Unsaid && parsed.method.is_none());
        let json = br#"{"columns": ["a", "b"], "label": "y", "label_position": null, "method": "transform", "input": "series"}"#;
        let parsed = ColumnsJson::parse(json).unwrap();
        assert_eq!(parsed.columns.unwrap(), ["a", "b"]);
        assert_eq!(parsed.label, Label::Named("y".into(), LabelPosition::Last));
        assert_eq!(ColumnsJson::parse(br#"{"label": null}"#).unwrap().label, Label::None);
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
            ("[]", "expected {\"columns\": [...]"),
        ];
        for (json, expected) in cases {
            let message = ColumnsJson::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(expected), "{json}: {message}");
        }
    }
}

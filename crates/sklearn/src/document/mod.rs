//! `preprocessor.json`: a preprocessor as a person writes it, and as `byoc train` writes it once it is fitted.
//!
//! Both have the same form (docs/preprocessor-json.md). In a fitted document, transformers also have the attributes
//! that a fit adds, by scikit-learn's names. The form of each class is in its folder of
//! `transformers`; `layout` breaks the text into lines.

#[cfg(test)]
mod check_test;
mod layout;

use crate::allow_list::ScikitLearn;
use crate::artifact::builder::LabelPosition;
use crate::parameters::class::SCIKIT_LEARN_VERSION;
use crate::preprocessor::{ColumnsJson, LabelChoice, Overrides, Preprocessor, twice};
use crate::transformers::{FittedTransformer, Specified};
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Remedy, Result};
use byoc_formats::json_document;
use byoc_formats::pickle::Tree;
use serde::{Deserialize, Deserializer, Serialize};

/// `"version"`: that of the document's form.
const VERSION: u64 = 1;

/// The transformer to be fitted, and its columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    #[serde(rename = "version", deserialize_with = "version")]
    _version: u64,
    #[serde(default, rename = "columns")]
    pub(crate) names: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) label_position: Option<Position>,
    pub(crate) transformer: Specified,
}

/// The position of the label in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Position {
    First,
    Last,
}

byoc_formats::read_as_word! { Position { First = "first", Last = "last" } }

/// A fitted transformer with its columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(deserialize_with = "version")]
    version: u64,
    #[serde(rename = "scikit-learn")]
    scikit_learn: String,
    columns: Option<Vec<String>>,
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    label_position: Option<Position>,
    pub(crate) transformer: FittedTransformer,
    /// The memory of a document that was read.
    #[serde(skip)]
    bytes: usize,
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let found = u64::deserialize(deserializer)?;
    if found == VERSION {
        return Ok(found);
    }
    Err(serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(found), &"the version 1"))
}

/// The description of a specification, for messages.
const SPECIFICATION: &str =
    "an object such as {\"version\": 1, \"columns\": [\"a\", \"b\"], \"transformer\": {\"StandardScaler\": {}}}";
const FITTED: &str = "a fitted preprocessor, the object that fitting a specification makes";

impl Specification {
    /// Reads a specification.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for an invalid document, with the path of the mistake and the allowed values.
    pub fn parse(json: &[u8]) -> Result<Specification> {
        let specification: Specification = json_document::parse(json, SPECIFICATION, Cause::BadSetting)?;
        check_names(specification.names.as_deref(), specification.label.as_deref(), specification.label_position)
            .map_err(|message| Error::new(Cause::BadSetting, message))?;
        Ok(specification)
    }

    /// The end of a row at which the label is, if there is one.
    pub(crate) fn label(&self) -> Option<LabelPosition> {
        self.label.as_ref().map(|_| position(self.label_position))
    }

    /// The possible header lines of its rows: the names with the label in its position, and without; none if the
    /// columns have no names.
    pub fn header_lines(&self) -> Vec<Vec<String>> {
        let Some(names) = &self.names else { return Vec::new() };
        let with_label = self.label.as_ref().map(|label| match position(self.label_position) {
            LabelPosition::First => std::iter::once(label).chain(names).cloned().collect(),
            LabelPosition::Last => names.iter().chain([label]).cloned().collect(),
        });
        with_label.into_iter().chain([names.clone()]).collect()
    }

    /// The problem with a `label_size` (the number of labels at the left of a row) that contradicts the specification.
    pub fn contradicts_label_size(&self, size: &str) -> Option<String> {
        let first = "expected \"label_position\": \"first\"";
        match (size, &self.label, position(self.label_position)) {
            ("0", None, _) | ("1", Some(_), LabelPosition::First) => None,
            ("1", None, _) => Some(format!(
                "says that the first column is the label, but the specification has no label: expected \"label\" with \
                 its name, and {first}"
            )),
            ("1", Some(label), LabelPosition::Last) => Some(format!(
                "says that the first column is the label, but the specification has the label {label:?} last \
                 (label_position): {first}"
            )),
            ("0", Some(label), _) => Some(format!(
                "says that there is no label, but the specification has the label {label:?}: expected no \"label\""
            )),
            _ => Some("is not understood: expected label_size=0 or label_size=1".to_owned()),
        }
    }

    /// The document with the fitted attributes.
    pub(crate) fn fitted(self, transformer: FittedTransformer) -> Document {
        Document {
            version: VERSION,
            scikit_learn: SCIKIT_LEARN_VERSION.to_owned(),
            columns: self.names,
            label_position: self.label.is_some().then_some(self.label_position.unwrap_or(Position::Last)),
            label: self.label,
            transformer,
            bytes: 0,
        }
    }
}

/// Checks the description of a row.
fn check_names(names: Option<&[String]>, label: Option<&str>, label_position: Option<Position>) -> Result<(), String> {
    if label.is_none() && label_position.is_some() {
        return Err("label_position: expected a label too".to_owned());
    }
    // These names would be taken for positions, as in columns.json.
    if let Some(word) = label.filter(|label| !matches!(LabelChoice::parse(label), LabelChoice::Named(_))) {
        let meant = if word == "none" {
            "\"label\": null".to_owned()
        } else {
            format!("\"label_position\": {word:?} beside it")
        };
        return Err(format!("label: expected the label's name, found {word:?}: say {meant}"));
    }
    let Some(names) = names else { return Ok(()) };
    if names.is_empty() {
        return Err("columns: expected at least one name, found none".to_owned());
    }
    if let Some(label) = label.filter(|label| names.iter().any(|name| name == label)) {
        return Err(format!("columns: expected the columns without the label, found {label:?} among them"));
    }
    match twice(names) {
        Some((at, name)) => Err(format!("columns[{at}]: expected different names, found {name:?} twice")),
        None => Ok(()),
    }
}

fn position(position: Option<Position>) -> LabelPosition {
    match position {
        Some(Position::First) => LabelPosition::First,
        Some(Position::Last) | None => LabelPosition::Last,
    }
}

impl Document {
    /// Reads what [`Document::to_json`] wrote.
    ///
    /// # Errors
    /// [`Cause::BadDocument`] for an invalid document, with the path of the mistake.
    pub fn parse(json: &[u8], allowance: &Allowance) -> Result<Document> {
        let parsed = json_document::parse_within(json, FITTED, Cause::BadDocument, allowance);
        let mut document: Document = parsed.map_err(|error| match error.cause() {
            Cause::BadDocument if is_specification(json, allowance) => Error::new(
                Cause::BadDocument,
                "this is a specification, which is not fitted: expected the fitted document that is made from it",
            )
            .remedied_by(Remedy::FitSpecification),
            _ => error,
        })?;
        check_names(document.columns.as_deref(), document.label.as_deref(), document.label_position)
            .map_err(|message| Error::new(Cause::BadDocument, message))?;
        document.transformer.check("transformer")?;
        document.bytes = json_document::Size::of(json).typed;
        Ok(document)
    }

    /// Reads back the object that scikit-learn would have pickled.
    ///
    /// # Errors
    /// As [`Document::located`].
    pub fn to_tree(&self, allowance: &Allowance) -> Result<Tree> {
        // The Python objects, then the pickle; the bytes of each array are made before they are appended.
        let size = self.bytes;
        let joblib = {
            let _held = allowance.hold(size.saturating_mul(3))?;
            self.to_joblib()
        };
        allowance.take(joblib.capacity())?;
        byoc_formats::pickle::read(joblib, &ScikitLearn, allowance).map(Tree::of_json).map_err(Document::located)
    }

    /// Converts an error about the object of a document to an error about the document, without the place, which would
    /// be a byte of a pickle that is not in a file.
    pub fn located(error: Error) -> Error {
        let cause = if error.cause() == Cause::BadArtifact { Cause::BadDocument } else { error.cause() };
        error.because(cause).without_place()
    }

    /// The document, for files.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, layout::Layout::default());
        // Writing a document to memory cannot fail.
        let _ = self.serialize(&mut serializer);
        json.push(b'\n');
        json
    }

    /// The object that scikit-learn would have pickled, as `joblib.dump` writes it.
    pub fn to_joblib(&self) -> Vec<u8> {
        byoc_formats::pickle::write(&self.transformer.to_python())
    }

    /// Builds the preprocessor, equal to that of the `model.joblib` beside the document, with the settings of
    /// `overrides`.
    ///
    /// # Errors
    /// [`Cause::BadDocument`] for attributes that do not fit each other.
    pub fn preprocessor(&self, overrides: &Overrides, allowance: &Allowance) -> Result<Preprocessor> {
        let tree = self.to_tree(allowance)?;
        let preprocessor =
            Preprocessor::from_pickle(&tree, Some(self.columns_json(overrides)), allowance).map_err(Document::located);
        tree.give_back_to(allowance);
        preprocessor
    }

    /// The equivalent of a `columns.json` beside the pickle, with the settings. Transformers have only one method.
    pub fn columns_json(&self, overrides: &Overrides) -> ColumnsJson {
        let label = self.label.clone().map(|label| (label, position(self.label_position)));
        let overrides = Overrides { method: None, ..overrides.clone() };
        ColumnsJson::of_document(self.columns.clone(), label).overridden(&overrides)
    }
}

/// Whether it is a specification for `byoc train`, not a document that it wrote.
pub fn is_specification(json: &[u8], allowance: &Allowance) -> bool {
    json_document::parse_within::<Specification>(json, SPECIFICATION, Cause::BadSetting, allowance).is_ok()
}

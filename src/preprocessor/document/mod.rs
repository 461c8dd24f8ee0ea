//! `preprocessor.json`: a preprocessor as a person writes it, and as `byoc train` writes it once it is fitted.
//!
//! Both are the same document (docs/PREPROCESSOR.md): in the second, transformers have the attributes too that a fit gives
//! them, by scikit-learn's names. `values` is what stands in the places, `classes` the transformers, `composite` those
//! that are made of others, `layout` how the text is broken into lines, `python` the fitted document as the object that scikit-learn would have pickled. This room
//! knows no data.

mod classes;
mod composite;
mod layout;
mod python;
mod values;

pub(super) use classes::*;
pub(super) use composite::*;
pub(super) use python::{outputs, resolve, to_python};
pub(super) use values::*;

use super::build::LabelPosition;
use super::columns_json::{ColumnsJson, Label};
use crate::error::{Cause, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The version of scikit-learn whose attributes and behaviour a fit follows.
pub(super) const SCIKIT_LEARN_VERSION: &str = "1.9.1";

/// `"version"`: of the document's own form.
const VERSION: u64 = 1;

/// What is to be fitted, and on which columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    #[serde(rename = "version", deserialize_with = "version")]
    _version: u64,
    #[serde(default, rename = "columns")]
    pub(super) names: Option<Vec<String>>,
    #[serde(default)]
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) label_position: Option<Position>,
    pub(super) transformer: Specified,
}

/// Where in a row the label stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Position {
    First,
    Last,
}

/// What was fitted.
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
    pub(super) transformer: FittedTransformer,
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let found = u64::deserialize(deserializer)?;
    if found == VERSION {
        return Ok(found);
    }
    Err(serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(found), &"the version 1"))
}

fn parse<T: DeserializeOwned>(json: &[u8], cause: Cause) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match path.as_str() {
            "." => Error::new(cause, inner.to_string()),
            path => Error::new(cause, format!("{path}: {inner}")),
        }
    })?;
    deserializer.end().map_err(|error| Error::new(cause, error.to_string()))?;
    Ok(parsed)
}

impl Specification {
    /// Reads a specification.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for what is no such document, with the path of what is wrong, and what is allowed there.
    pub fn parse(json: &[u8]) -> Result<Specification> {
        let specification: Specification = parse(json, Cause::BadSetting)?;
        let wrong = |message: String| Err(Error::new(Cause::BadSetting, message));
        if let (Some(names), Some(label)) = (&specification.names, &specification.label)
            && names.contains(label)
        {
            return wrong(format!("columns: expected the columns without the label, found {label:?} among them"));
        }
        if specification.label.is_none() && specification.label_position.is_some() {
            return wrong("label_position: expected a label too".to_owned());
        }
        if let Some(names) = &specification.names {
            if names.is_empty() {
                return wrong("columns: expected at least one name, found none".to_owned());
            }
            if let Some(twice) = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|n| n == *name))
            {
                return wrong(format!("columns: expected different names, found {:?} twice", twice.1));
            }
        }
        Ok(specification)
    }

    /// Which end of a row has the label, if any.
    pub(super) fn label(&self) -> Option<LabelPosition> {
        self.label.as_ref().map(|_| position(self.label_position))
    }

    /// The document with what was fitted.
    pub(super) fn fitted(self, transformer: FittedTransformer) -> Document {
        Document {
            version: VERSION,
            scikit_learn: SCIKIT_LEARN_VERSION.to_owned(),
            columns: self.names,
            label_position: self.label.is_some().then_some(self.label_position.unwrap_or(Position::Last)),
            label: self.label,
            transformer,
        }
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
    /// [`Cause::BadArtifact`] for what is no such document, with the path of what is wrong.
    pub(crate) fn parse(json: &[u8]) -> Result<Document> {
        parse(json, Cause::BadArtifact).map_err(|error| {
            error.context("expected a fitted preprocessor, which `byoc train` writes from a specification")
        })
    }

    /// The document, for files.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, layout::Layout::default());
        // Nothing in a document fails to be written, and memory does not either.
        let _ = self.serialize(&mut serializer);
        json.push(b'\n');
        json
    }

    /// The object that scikit-learn would have pickled, as `joblib.dump` writes it.
    pub fn to_joblib(&self) -> Vec<u8> {
        crate::artifact::pickle::write(&to_python(&self.transformer))
    }

    /// What a `columns.json` beside the pickle would say.
    pub(crate) fn columns_json(&self) -> ColumnsJson {
        let label = self.label.clone().map_or(Label::None, |label| Label::Named(label, position(self.label_position)));
        ColumnsJson { columns: self.columns.clone(), label, method: None }
    }
}

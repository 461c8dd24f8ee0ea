//! Typed access to the attributes of a pickled estimator. Every error names class, attribute, what was expected and
//! found.

use super::work::MAX_COLUMNS;
use byoc_formats::error::{Error, Result};
use byoc_formats::pickle::{ArrayView, ItemKind, Value};

/// The attributes of one fitted object.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'t> {
    value: Value<'t>,
    class: &'t str,
}

impl<'t> Attributes<'t> {
    /// The attributes of an object; `None` for a value that is not an object with a dict of attributes.
    pub(crate) fn of(value: Value<'t>) -> Option<Attributes<'t>> {
        let (_, class) = value.class()?;
        value.state()?.entries().map(|_| Attributes { value, class })
    }

    /// The name of the class, without its module.
    pub(crate) fn class(self) -> &'t str {
        self.class
    }

    /// An error about this object.
    pub(crate) fn error(self, message: impl std::fmt::Display) -> Error {
        self.value.error(format!("{}: {message}", self.class))
    }

    /// The error of an attribute that is not what was expected.
    pub(crate) fn mismatch(self, name: &str, expected: impl std::fmt::Display, found: Value<'_>) -> Error {
        self.error(format_args!("expected {name} to be {expected}, found {}", found.describe()))
    }

    /// All attributes, in the file's order.
    pub(crate) fn all(self) -> impl Iterator<Item = (&'t str, Value<'t>)> {
        let entries = self.value.state().and_then(Value::entries);
        entries.into_iter().flatten().filter_map(|(name, value)| Some((short(name)?, value)))
    }

    /// An attribute that may be absent, because older versions do not write it.
    pub(crate) fn get(self, name: &str) -> Option<Value<'t>> {
        self.value.attribute(name)
    }

    /// An attribute that exists and is not `None`.
    pub(crate) fn present(self, name: &str) -> Option<Value<'t>> {
        self.get(name).filter(|value| !value.is_none())
    }

    /// An attribute that every version writes once fitted.
    pub(crate) fn required(self, name: &str) -> Result<Value<'t>> {
        self.get(name).ok_or_else(|| self.error(format_args!("{name} is missing: expected a fitted {}", self.class)))
    }

    /// A flag.
    pub(crate) fn flag(self, name: &str) -> Result<bool> {
        let value = self.required(name)?;
        value.as_bool().ok_or_else(|| self.mismatch(name, "True or False", value))
    }

    /// A flag that older versions do not write.
    pub(crate) fn flag_or(self, name: &str, default: bool) -> Result<bool> {
        if self.get(name).is_some() { self.flag(name) } else { Ok(default) }
    }

    /// Text.
    pub(crate) fn text(self, name: &str) -> Result<&'t str> {
        let value = self.required(name)?;
        short(value).ok_or_else(|| self.mismatch(name, "text", value))
    }

    /// One of a few texts, each for a value.
    pub(crate) fn choice<T: Copy>(self, name: &str, choices: &[(&str, T)]) -> Result<T> {
        let value = self.required(name)?;
        let found = choices.iter().find(|(text, _)| short(value) == Some(text));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let texts: Vec<_> = choices.iter().map(|(text, _)| format!("{text:?}")).collect();
            self.mismatch(name, texts.join(" or "), value)
        })
    }

    /// A number.
    pub(crate) fn number(self, name: &str) -> Result<f64> {
        let value = self.required(name)?;
        value.as_number().ok_or_else(|| self.mismatch(name, "a number", value))
    }

    /// A count: an integer of at least 0.
    pub(crate) fn count(self, name: &str) -> Result<usize> {
        let value = self.required(name)?;
        let count = value.as_i64().and_then(|value| usize::try_from(value).ok());
        count.ok_or_else(|| self.mismatch(name, "a count", value))
    }

    /// Refuses a width that no model has.
    ///
    /// # Errors
    /// For more than [`MAX_COLUMNS`].
    pub(crate) fn check_width(self, what: &str, width: usize) -> Result<()> {
        if width > MAX_COLUMNS {
            return Err(self.error(format_args!("it has {width} {what}: expected at most {MAX_COLUMNS}")));
        }
        Ok(())
    }

    /// A count of columns, at most [`MAX_COLUMNS`].
    pub(crate) fn columns(self, name: &str) -> Result<usize> {
        let count = self.count(name)?;
        self.check_width(name, count)?;
        Ok(count)
    }

    /// `n_features_in_`, which only newer versions write.
    pub(crate) fn n_features_in(self) -> Result<Option<usize>> {
        self.get("n_features_in_").map(|_| self.columns("n_features_in_")).transpose()
    }

    /// `feature_names_in_`: exists if the object was fitted on a frame whose column names are all text.
    pub(crate) fn feature_names_in(self) -> Result<Option<Vec<&'t str>>> {
        let Some(value) = self.get("feature_names_in_") else { return Ok(None) };
        let names = value
            .as_array()
            .and_then(|array| array.objects())
            .and_then(|names| names.map(Value::as_str).collect::<Option<Vec<_>>>());
        names.map(Some).ok_or_else(|| self.mismatch("feature_names_in_", "an object array of text", value))
    }

    /// Whether `set_output(transform="pandas")` was called on it, from 1.2 on.
    pub(crate) fn gives_frames(self) -> bool {
        let is_pandas = |(key, value): (Value<'t>, Value<'t>)| {
            key.as_str() == Some("transform") && value.as_str() == Some("pandas")
        };
        // The dict has this one key.
        let config = self.get("_sklearn_output_config").and_then(Value::entries);
        config.is_some_and(|entries| entries.take(4).any(is_pandas))
    }

    /// The items of a list or tuple.
    pub(crate) fn items(self, name: &str) -> Result<Vec<Value<'t>>> {
        let value = self.required(name)?;
        Ok(value.items().ok_or_else(|| self.mismatch(name, "a list", value))?.collect())
    }

    /// The items of a list that has one for each feature.
    pub(crate) fn items_of(self, name: &str, features: usize) -> Result<Vec<Value<'t>>> {
        let found = self.items(name)?;
        if found.len() == features {
            return Ok(found);
        }
        Err(self.error(format_args!("expected {name} to have {features} items, found {}", found.len())))
    }
}

/// A text of at most the length of a setting, since it is scanned at each call.
fn short(value: Value<'_>) -> Option<&str> {
    const MAX_LENGTH: usize = 4096;
    if value.text_bytes() <= MAX_LENGTH { value.as_str() } else { None }
}

/// An array of one dimension.
pub(crate) fn one_dimensional(value: Value<'_>) -> Option<ArrayView<'_>> {
    value.as_array().filter(|array| array.shape().len() == 1)
}

/// A one-dimensional array of floats or integers.
pub(crate) fn numeric(value: Value<'_>) -> Option<ArrayView<'_>> {
    let is_numeric =
        |array: &ArrayView<'_>| matches!(array.dtype().kind, ItemKind::Float | ItemKind::Int | ItemKind::UInt);
    one_dimensional(value).filter(is_numeric)
}

/// The integers of a one-dimensional array.
pub(crate) fn integers(value: Value<'_>) -> Option<Vec<i64>> {
    one_dimensional(value)?.to_i64().ok()
}

//! Reports all invalid settings at once.

use super::source::Source;
use crate::error::{Cause, Error, Result};
use byoc_formats::error::chain;

/// Why the value of a setting is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum InvalidValue {
    /// The value cannot be parsed, or is not allowed.
    Other(String),
    /// The value is a path that does not exist.
    MissingPath(String),
}

impl From<String> for InvalidValue {
    fn from(message: String) -> InvalidValue {
        InvalidValue::Other(message)
    }
}

/// An error is one line of the report, with what caused it.
impl From<Error> for InvalidValue {
    fn from(error: Error) -> InvalidValue {
        InvalidValue::Other(chain(&error).to_string())
    }
}

impl From<&str> for InvalidValue {
    fn from(message: &str) -> InvalidValue {
        InvalidValue::Other(message.to_owned())
    }
}

/// Collects the problems with the settings of a command.
#[derive(Debug, Default)]
pub(in crate::cli) struct Problems {
    messages: Vec<String>,
    /// How many of them are [`InvalidValue::MissingPath`].
    missing: usize,
}

impl Problems {
    /// Adds an invalid value of a setting.
    pub(in crate::cli) fn add_invalid(&mut self, source: &Source, value: &str, invalid: InvalidValue) {
        let message = match invalid {
            InvalidValue::Other(message) => message,
            InvalidValue::MissingPath(message) => {
                self.missing += 1;
                message
            }
        };
        self.messages.push(format!("{source} is {value:?}: {message}"));
    }

    /// Adds a problem that does not concern the value of a single setting.
    pub(in crate::cli) fn add(&mut self, problem: String) {
        self.messages.push(problem);
    }

    /// Succeeds if there are no problems.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with all problems, or [`Cause::ModelNotFound`] if all problems are missing paths.
    pub(in crate::cli) fn finish(self) -> Result<()> {
        let cause = if self.missing == self.messages.len() { Cause::ModelNotFound } else { Cause::BadSetting };
        match self.messages.as_slice() {
            [] => Ok(()),
            [problem] => Err(Error::new(cause, problem)),
            problems => {
                Err(Error::new(cause, format!("{} settings are wrong:\n  {}", problems.len(), problems.join("\n  "))))
            }
        }
    }
}

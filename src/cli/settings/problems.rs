//! Everything that is wrong with the settings, in one report.

use super::source::Source;
use crate::error::{Cause, Error, Result};

/// Why a value is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum InvalidValue {
    /// The value cannot be parsed, or must not be used.
    Other(String),
    /// There is nothing at the path that the value names.
    MissingPath(String),
}

impl From<String> for InvalidValue {
    fn from(message: String) -> InvalidValue {
        InvalidValue::Other(message)
    }
}

impl From<&str> for InvalidValue {
    fn from(message: &str) -> InvalidValue {
        InvalidValue::Other(message.to_owned())
    }
}

/// Collects what is wrong with the settings of a command.
#[derive(Debug, Default)]
pub(in crate::cli) struct Problems {
    messages: Vec<String>,
    /// How many of them are [`InvalidValue::MissingPath`].
    missing: usize,
}

impl Problems {
    /// Adds a setting whose value is wrong.
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

    /// Adds a problem that does not come from the value of one setting.
    pub(in crate::cli) fn add(&mut self, problem: String) {
        self.messages.push(problem);
    }

    /// Succeeds if there is no problem.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with all problems, or [`Cause::ModelNotFound`] if nothing is wrong but paths at which there is
    /// nothing.
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

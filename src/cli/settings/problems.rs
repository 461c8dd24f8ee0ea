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
        let (message, is_missing) = match invalid {
            InvalidValue::Other(message) => (message, false),
            InvalidValue::MissingPath(message) => (message, true),
        };
        // A message about a file starts with its path, which is the value if that is absolute.
        let message = message.strip_prefix(value).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&message);
        let problem = format!("{source} is {value:?}: {message}");
        if is_missing && !self.messages.contains(&problem) {
            self.missing += 1;
        }
        self.add(problem);
    }

    /// Adds a problem that does not concern the value of a single setting. A problem that is known already is left out:
    /// a repeated flag may have the same value twice.
    pub(in crate::cli) fn add(&mut self, problem: String) {
        if !self.messages.contains(&problem) {
            self.messages.push(problem);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_a_problem_are_shown_once() {
        let mut problems = Problems::default();
        for _ in 0..2 {
            problems.add_invalid(&Source::Flag("config"), "/e.json", "/e.json: expected a JSON object".into());
            problems.add_invalid(&Source::Flag("train"), "/x", InvalidValue::MissingPath("nothing at /x".to_owned()));
        }
        let error = problems.finish().unwrap_err();
        assert_eq!(error.cause(), Cause::BadSetting);
        let lines = "--config is \"/e.json\": expected a JSON object\n  --train is \"/x\": nothing at /x";
        assert_eq!(error.message(), format!("2 settings are wrong:\n  {lines}"));
        let mut missing = Problems::default();
        for _ in 0..2 {
            missing.add_invalid(&Source::Flag("train"), "/x", InvalidValue::MissingPath("nothing at /x".to_owned()));
        }
        let error = missing.finish().unwrap_err();
        assert_eq!((error.cause(), error.message()), (Cause::ModelNotFound, "--train is \"/x\": nothing at /x"));
    }
}

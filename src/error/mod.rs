//! The program's errors: one row of a table for each [`Cause`], and one error type.
//!
//! A cause's row has its HTTP status, exit code and hint. The packages below have their own causes without any of
//! these; `?` converts their errors. `Display` of an [`Error`] prints only its own place and message; to show an error
//! to people use [`chain`](byoc_formats::error::chain), which adds the messages of its sources.

mod cause;
mod reason;
pub mod remedy;

use byoc_account::Exceeded;
use byoc_formats::error::{self, Details, Place, Source};
use std::fmt;
use std::path::Path;

pub use cause::{Cause, Row};
pub use reason::Reason;

/// An error with its cause, message, place and source. It is one pointer wide, so that results stay small.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    details: Details,
}

/// The result of fallible functions of the program.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a message, which says what was expected and what was found.
    pub fn new(cause: Cause, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { cause, details: Details::new(message) }))
    }

    /// A body that cannot be read or does not fit the model.
    pub fn bad_payload(message: impl Into<String>) -> Error {
        Error::new(Cause::BadPayload, message)
    }

    /// A corrupt, malicious or unsupported artifact.
    pub fn bad_artifact(message: impl Into<String>) -> Error {
        Error::new(Cause::BadArtifact, message)
    }

    /// A failed file operation: `could not {operation} {path}`.
    pub fn io(operation: impl fmt::Display, path: &Path, error: std::io::Error) -> Error {
        error::Error::io(operation, path, error).into()
    }

    /// Adds the error that caused it.
    pub fn caused_by(mut self, source: impl Into<Source>) -> Error {
        self.0.details.caused_by(source);
        self
    }

    /// Adds a place in the data. Parts of the place that are already set stay.
    pub fn at(mut self, place: Place) -> Error {
        self.0.details.at(place);
        self
    }

    /// Removes the place.
    pub fn without_place(mut self) -> Error {
        self.0.details.without_place();
        self
    }

    /// Converts an error in a part of the data to one in the whole, by moving its place `rows` rows and `bytes` bytes
    /// on.
    pub fn shifted(mut self, rows: usize, bytes: usize) -> Error {
        self.0.details.shifted(rows, bytes);
        self
    }

    /// Prepends `context: ` to the message.
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.0.details.context(context);
        self
    }

    /// Names the file or another source of the data: `origin: ` comes before the place.
    pub fn within(mut self, origin: impl fmt::Display) -> Error {
        self.0.details.within(origin);
        self
    }

    /// Replaces the cause.
    pub fn because(mut self, cause: Cause) -> Error {
        self.0.cause = cause;
        self
    }

    /// The cause.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The place in the data, if the error has one.
    pub fn place(&self) -> Option<&Place> {
        self.0.details.place()
    }

    /// The message, without the place and the source.
    pub fn message(&self) -> &str {
        self.0.details.message()
    }
}

impl From<error::Error> for Error {
    fn from(error: error::Error) -> Error {
        let (cause, mut details) = error.into_parts();
        if let Some(remedy) = details.take_remedy() {
            details.advice(remedy::sentence(&remedy));
        }
        Error(Box::new(Inner { cause: cause.into(), details }))
    }
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Error {
        error::Error::from(exceeded).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.details.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.details.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::error::chain;

    #[test]
    fn a_body_that_does_not_fit_now_may_be_retried_and_one_that_never_fits_is_too_large() {
        use byoc_account::{Purpose, Shortage};
        let shortage = Shortage { needed: 300, free: 20, limit: 100 };
        for (exceeded, status, exit_code) in [
            (Exceeded::NeverFits(Purpose::Answer, shortage), 413, 64),
            (Exceeded::NotNow(Purpose::Answer, shortage), 503, 75),
            (Exceeded::NotNow(Purpose::Load, shortage), 507, 71),
            (Exceeded::TooLate, 504, 75),
        ] {
            let row = Error::from(exceeded).cause().row();
            assert_eq!((row.status, row.exit_code), (status, exit_code), "{exceeded:?}");
        }
    }

    #[test]
    fn a_converted_error_keeps_its_message_place_and_source() {
        fn fails() -> Result<()> {
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            let error = error::Error::new(error::Cause::NotWritable, "expected numbers").at(Place::cell(3, 2));
            Err(error.caused_by(missing))?
        }
        let error = fails().unwrap_err().context("answer");
        assert_eq!(error.cause(), Cause::NotAcceptable);
        assert_eq!(error.to_string(), "row 3, column 2: answer: expected numbers");
        assert_eq!(chain(&error).to_string(), "row 3, column 2: answer: expected numbers: entity not found");
        let error = error.shifted(10, 0).because(Cause::BadRequest);
        assert_eq!(error.place(), Some(&Place::cell(13, 2)));
        assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>()));
    }
}

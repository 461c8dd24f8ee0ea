//! What is wrong with data, and where in it.
//!
//! A [`Cause`] says what went wrong in terms of data: a payload, an artifact, a document. What that means to a client,
//! to a process or to a person who runs a command is not known here; the program maps causes to its own. `Display` of
//! an [`Error`] prints its place and its message, `source()` is the error that caused it, and [`chain()`] prints both.

mod chain;
mod details;
mod place;
mod remedy;

use byoc_account::{Exceeded, Purpose};
use std::fmt;

pub use chain::{Chain, chain};
pub use details::{Details, Source};
pub use place::Place;
pub use remedy::Remedy;

/// Why data could not be read, used or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Rows that cannot be read, or do not fit the model.
    BadPayload,
    /// A media type whose parameters are malformed or contradict each other.
    BadMediaType,
    /// A media type that the model does not read.
    UnsupportedMediaType,
    /// Values that cannot be written in any of the accepted media types.
    NotWritable,
    /// An artifact that is broken or hostile. Never used for lack of memory.
    BadArtifact,
    /// A file or folder that is not a model.
    NoModel,
    /// An intact artifact of an unsupported kind or class.
    Unsupported,
    /// A file that is only the pointer that Git LFS leaves in place of the content.
    NotPulled,
    /// A `columns.json` that cannot be read, or does not fit the model.
    BadColumns,
    /// A `preprocessor.json` that is not a fitted document, or contradicts itself.
    BadDocument,
    /// A method that the model does not have.
    NoSuchMethod,
    /// A setting, hyperparameter or specification that is wrong.
    BadSetting,
    /// Work on rows that needs more memory than it could ever have.
    NeverFits,
    /// Work on rows that needs more memory than is free now.
    NotNow,
    /// Work on rows that did not finish before its deadline.
    TooLate,
    /// Loading or training that needs more memory than is available.
    InsufficientMemory,
    /// Work that its caller stopped.
    Stopped,
    /// A file that could not be read or written.
    Io,
    /// A defect of this program.
    Internal,
}

/// How many bytes of a message are kept: messages quote artifacts and payloads, and go to clients and logs.
const MAX_MESSAGE_LENGTH: usize = 8 << 10;

/// A text of at most `most` bytes: the beginning and the end of a longer one, in an allocation of that size.
fn shortened(text: String, most: usize) -> String {
    const BETWEEN: &str = " … ";
    if text.len() <= most {
        return text;
    }
    let end = most / 4;
    let beginning = text.floor_char_boundary(most - end - BETWEEN.len());
    let rest = text.ceil_char_boundary(text.len() - end);
    let (beginning, rest) = (text.get(..beginning).unwrap_or_default(), text.get(rest..).unwrap_or_default());
    [beginning, BETWEEN, rest].concat()
}

/// What went wrong, why, and where. Small to pass around: one pointer.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    details: Details,
}

/// The result of reading, using or writing data.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a message that says what was wrong, what was expected and what was found.
    pub fn new(cause: Cause, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { cause, details: Details::new(message) }))
    }

    /// Rows that cannot be read or do not fit the model.
    pub fn bad_payload(message: impl Into<String>) -> Error {
        Error::new(Cause::BadPayload, message)
    }

    /// An artifact that is broken, hostile or not supported.
    pub fn bad_artifact(message: impl Into<String>) -> Error {
        Error::new(Cause::BadArtifact, message)
    }

    /// A file operation that failed, as `could not {operation} {path}`.
    pub fn io(operation: impl fmt::Display, path: &std::path::Path, error: std::io::Error) -> Error {
        Error::new(Cause::Io, format!("could not {operation} {}", path.display())).caused_by(error)
    }

    /// The same error with the error that caused it.
    pub fn caused_by(mut self, source: impl Into<Source>) -> Error {
        self.0.details.caused_by(source);
        self
    }

    /// The same error at a place in the data. Parts that are set already stay; an empty place adds nothing.
    pub fn at(mut self, place: Place) -> Error {
        self.0.details.at(place);
        self
    }

    /// The same error without a position, for bytes that the user does not have.
    pub fn without_place(mut self) -> Error {
        self.0.details.without_place();
        self
    }

    /// An error in a part of some data as an error in the whole: its place is `rows` rows and `bytes` bytes further on.
    pub fn shifted(mut self, rows: usize, bytes: usize) -> Error {
        self.0.details.shifted(rows, bytes);
        self
    }

    /// The same error with `context: ` before its message.
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.0.details.context(context);
        self
    }

    /// The same error in a file or another source of data: `origin: ` comes before the place.
    pub fn within(mut self, origin: impl fmt::Display) -> Error {
        self.0.details.within(origin);
        self
    }

    /// The same error with `; advice` after its message.
    pub fn advice(mut self, advice: impl fmt::Display) -> Error {
        self.0.details.advice(advice);
        self
    }

    /// The same error with what to set so that it does not occur.
    pub fn remedied_by(mut self, remedy: Remedy) -> Error {
        self.0.details.remedied_by(remedy);
        self
    }

    /// The same error under another cause.
    pub fn because(mut self, cause: Cause) -> Error {
        self.0.cause = cause;
        self
    }

    /// Why.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// Where, if the error has a place.
    pub fn place(&self) -> Option<&Place> {
        self.0.details.place()
    }

    /// The message, without the place and the source.
    pub fn message(&self) -> &str {
        self.0.details.message()
    }

    /// The cause and the rest, for an error type with its own causes.
    pub fn into_parts(self) -> (Cause, Details) {
        (self.0.cause, self.0.details)
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

/// Work that may not take the memory or the time that it needs.
impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Error {
        match exceeded {
            Exceeded::NeverFits(Purpose::Answer, shortage) => Error::new(
                Cause::NeverFits,
                format!(
                    "the answer needs at least {} bytes of memory, but all requests together have {}: send fewer \
                     rows per request",
                    shortage.needed, shortage.limit
                ),
            ),
            Exceeded::NotNow(Purpose::Answer, shortage) => Error::new(
                Cause::NotNow,
                format!(
                    "the answer needs at least {} bytes of memory, but other requests leave only {}: try again, or \
                     send fewer rows per request",
                    shortage.needed, shortage.free
                ),
            ),
            Exceeded::NeverFits(Purpose::Load, _) | Exceeded::NotNow(Purpose::Load, _) => {
                Error::new(Cause::InsufficientMemory, "loading takes more memory than is free").caused_by(exceeded)
            }
            Exceeded::TooLate => Error::new(
                Cause::TooLate,
                "the answer took too long: send fewer rows per request, or raise the timeout",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place::MAX_NAME_LENGTH;
    use super::*;
    use byoc_account::Shortage;

    #[test]
    fn a_long_message_and_a_long_name_keep_their_beginning_and_end() {
        let long = format!("first{}last", "é".repeat(1 << 20));
        let error = Error::bad_payload(&*long).at(Place::cell(1, 2).named(&*long)).context("around");
        let text = error.to_string();
        assert!(text.starts_with("row 1, column 2 (firsté") && text.ends_with("élast"), "{text}");
        assert!(error.message().starts_with("around: first") && error.message().contains("é … é"));
        assert!(text.len() <= MAX_MESSAGE_LENGTH + MAX_NAME_LENGTH + 64, "{}", text.len());
        assert!(error.0.details.message.capacity() <= MAX_MESSAGE_LENGTH);
    }

    #[test]
    fn a_data_error_shows_its_place_before_its_message() {
        let error = Error::bad_payload("expected a number, found \"abc\"")
            .at(Place::cell(3, 2).named("SQUARE_FEET").at_byte(57));
        assert_eq!(error.to_string(), "row 3, column 2 (SQUARE_FEET), byte 57: expected a number, found \"abc\"");
    }

    #[test]
    fn an_outer_place_is_added_to_an_inner_one_without_overriding_it() {
        let error = Error::bad_payload("x").at(Place::cell(1, 5)).at(Place::row(9).at_byte(4));
        assert_eq!(error.to_string(), "row 1, column 5, byte 4: x");
    }

    #[test]
    fn an_error_without_a_place_has_no_leading_colon() {
        let error = Error::bad_payload("x").at(Place::default());
        assert_eq!((error.to_string().as_str(), error.place()), ("x", None));
        assert_eq!(error.context("unable").to_string(), "unable: x");
    }

    #[test]
    fn the_file_comes_before_the_place_in_it() {
        let error = Error::bad_payload("x").at(Place::row(2)).context("InputFilter").within("a.csv");
        assert_eq!(error.to_string(), "a.csv: row 2: InputFilter: x");
        assert_eq!(
            error.within("channel train").context("job").to_string(),
            "job: channel train: a.csv: row 2: InputFilter: x"
        );
        assert_eq!(Error::bad_payload("x").within("a.csv").to_string(), "a.csv: x");
    }

    #[test]
    fn an_error_keeps_its_source() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = Error::io("open", std::path::Path::new("/no/file"), missing).context("channel train");
        assert_eq!(error.to_string(), "channel train: could not open /no/file");
        assert_eq!(chain(&error).to_string(), "channel train: could not open /no/file: entity not found");
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
    }

    #[test]
    fn a_memory_error_states_the_bytes_needed() {
        let shortage = Shortage { needed: 300, free: 20, limit: 100 };
        let loading = "loading takes more memory than is free: it needs 300 bytes; 20 of 100 bytes are free";
        for (exceeded, cause, message) in [
            (
                Exceeded::NeverFits(Purpose::Answer, shortage),
                Cause::NeverFits,
                "the answer needs at least 300 bytes of memory, but all requests together have 100: send fewer rows per \
                 request",
            ),
            (
                Exceeded::NotNow(Purpose::Answer, shortage),
                Cause::NotNow,
                "the answer needs at least 300 bytes of memory, but other requests leave only 20: try again, or send \
                 fewer rows per request",
            ),
            (Exceeded::NeverFits(Purpose::Load, shortage), Cause::InsufficientMemory, loading),
            (Exceeded::NotNow(Purpose::Load, shortage), Cause::InsufficientMemory, loading),
            (
                Exceeded::TooLate,
                Cause::TooLate,
                "the answer took too long: send fewer rows per request, or raise the timeout",
            ),
        ] {
            let error = Error::from(exceeded);
            assert_eq!((error.cause(), chain(&error).to_string().as_str()), (cause, message), "{exceeded:?}");
        }
    }

    #[test]
    fn an_error_in_a_part_is_shifted_to_its_place_in_the_whole() {
        let error = Error::bad_payload("x").at(Place::cell(3, 2).at_byte(7)).shifted(10, 100);
        assert_eq!(error.to_string(), "row 13, column 2, byte 107: x");
        assert_eq!(Error::bad_payload("x").shifted(10, 100).place(), None);
        assert_eq!(Error::bad_payload("x").at(Place::row(1)).shifted(0, 5).place(), Some(&Place::row(1)));
    }
}

//! The error table: one row a cause, and one error type for the whole program.
//!
//! A [`Cause`] says what went wrong in terms a caller can act on; its row says what that means on the wire (HTTP status
//! and type, in multi-model-server's words where it has any), for a process (exit code) and for the person who reads it
//! (a hint). An [`Error`] is a cause with a message and, for data errors, the place in the body.

use byoc_account::{Exceeded, Purpose};
use std::fmt;

/// One row of the error table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// HTTP status of a container's answer.
    pub status: u16,
    /// The `type` of multi-model-server's error body (`contract.md` §11), or a name in the same manner where it has none.
    pub kind: &'static str,
    /// Exit code of a process that ends for this cause (`sysexits.h` where it has one).
    pub exit_code: u8,
    /// What to do about it, in one line.
    pub hint: &'static str,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $kind:literal exit $exit:literal, $hint:literal;)*) => {
        /// Why something could not be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            /// Every cause, in the order of the table.
            pub const ALL: &'static [Cause] = &[$(Cause::$name,)*];

            /// The row of the error table.
            pub const fn row(self) -> Row {
                match self {
                    $(Cause::$name => Row { status: $status, kind: $kind, exit_code: $exit, hint: $hint },)*
                }
            }
        }
    };
}

causes! {
    /// A request body that cannot be read, or does not fit the model.
    BadPayload = 400 "BadRequestException" exit 65, "correct the body at the place that the message names";
    /// A request that is malformed outside its body: a missing parameter, bad JSON in a management call.
    BadRequest = 400 "BadRequestException" exit 64, "correct the request";
    /// The body did not arrive in time.
    RequestTimeout = 408 "RequestTimeoutException" exit 75, "send the whole body, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// No model of that name is loaded, or nothing lies at the url to load it from.
    ModelNotFound = 404 "ModelNotFoundException" exit 66, "check the name, the path or the URL";
    /// An object or a file that is denied to whoever runs this.
    AccessDenied = 404 "ModelNotFoundException" exit 66, "look at the credentials (whose they are: aws sts get-caller-identity) and at what the policies of their user or role, and of the bucket, allow: s3:GetObject of the object and s3:ListBucket of the bucket; of a file, at its permissions";
    /// No such path.
    ResourceNotFound = 404 "ResourceNotFoundException" exit 64, "see the README for the paths that are served";
    /// The path exists, the method does not.
    MethodNotAllowed = 405 "MethodNotAllowedException" exit 64, "see the README for the methods that are served";
    /// No media type that the caller accepts can be written.
    NotAcceptable = 406 "NotAcceptableException" exit 64, "send an Accept header that names a type in the message";
    /// A model of that name is loaded already, or is being loaded.
    ModelAlreadyRegistered = 409 "ConflictStatusException" exit 64, "unload the model first";
    /// The body is larger than the limit.
    PayloadTooLarge = 413 "PayloadTooLargeException" exit 64, "send fewer rows a request, or raise SAGEMAKER_MAX_REQUEST_SIZE";
    /// The body's media type is not one that the model reads.
    UnsupportedMediaType = 415 "UnsupportedMediaTypeException" exit 64, "send a Content-Type that the message names";
    /// An artifact that is broken or hostile. Never for want of memory.
    BadArtifact = 500 "InvalidModelException" exit 65, "make the artifact again, or copy it again whole; the README lists what is read; for any other model keep your own container for it and put it behind the endpoint: --container NAME=URL";
    /// A place without a model.
    NoModel = 404 "ModelNotFoundException" exit 65, "put one model there; the README lists what is read; for any other model keep your own container for it and put it behind the endpoint: --container NAME=URL";
    /// A place with several models.
    SeveralModels = 500 "InvalidModelException" exit 65, "leave one model there, or name the file of the one that is meant";
    /// A url that models are not downloaded from.
    NotDownloaded = 400 "DownloadModelException" exit 64, "download the model, and name the folder that it was unpacked to";
    /// An artifact that is whole, and of a kind or class that is not read here.
    Unsupported = 500 "InvalidModelException" exit 65, "the README lists the classes that are read: make the model of those, or keep your own container for it and put it behind the endpoint: --container NAME=URL";
    /// A file that is only the pointer which Git LFS leaves in its place.
    NotPulled = 500 "InvalidModelException" exit 65, "run git lfs pull in the clone of the repository, and give the file itself";
    /// A `columns.json` that cannot be read, or does not fit the model.
    BadColumns = 500 "InvalidModelException" exit 65, "correct columns.json; without one the columns are what the model says";
    /// A `preprocessor.json` that is no fitted document, or does not fit together.
    BadDocument = 500 "InvalidModelException" exit 65, "have byoc train write preprocessor.json again, from its specification and the data, or correct it where the message says";
    /// A method that the model does not have.
    NoSuchMethod = 500 "InvalidModelException" exit 65, "ask for another method by --method, BYOC_METHOD or columns.json, or for none";
    /// A file that could not be read or written.
    Io = 500 "InternalServerException" exit 74, "check the path or port, and the permissions";
    /// Something that should not happen did; the log has the whole story under the request's id.
    Internal = 500 "InternalServerException" exit 70, "look for the request's id in the log";
    /// All workers are busy and the queue is full, or the model is not ready: what a request is told.
    Unavailable = 503 "ServiceUnavailableException" exit 75, "try again, or raise SAGEMAKER_MODEL_JOB_QUEUE_SIZE";
    /// A store that objects or models lie in did not answer, or not to the end.
    Unreachable = 503 "ServiceUnavailableException" exit 75, "look at the network, and at what says where S3 is (AWS_ENDPOINT_URL_S3, AWS_REGION); then run it again";
    /// A container of an endpoint could not be started, or did not pass its health check.
    NotHealthy = 503 "ServiceUnavailableException" exit 69, "see that the container runs and listens there; its own log lines say why it does not, and those of one that this program started are above";
    /// The work took longer than the limit.
    Timeout = 504 "RequestTimeoutException" exit 75, "send fewer rows a request, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// A process that was told to stop did not wait for all that it had begun.
    CutOff = 503 "ServiceUnavailableException" exit 75, "whoever waited for an answer asks again; of an endpoint, --container-timeout says how long requests may take";
    /// The model does not fit in the memory that is left: the platform unloads others and tries again.
    InsufficientMemory = 507 "InternalServerException" exit 71, "give the process more memory; in a container, unload a model or raise BYOC_MODEL_MEMORY";
    /// A batch transform job whose end some objects did not live to see; all others are written.
    ObjectsFailed = 500 "InternalServerException" exit 1, "correct what the message names and run the job again: it does only what is missing";
    /// A job that was told to stop before its end.
    Stopped = 503 "ServiceUnavailableException" exit 75, "run the job again: it does only what is missing";
    /// A setting that is wrong: a flag, an environment variable, a configuration file.
    BadSetting = 500 "InternalServerException" exit 78, "correct the setting; --help lists them";
}

impl Cause {
    /// What to do about it where a training job ends for it: there are no requests there.
    pub const fn training_hint(self) -> &'static str {
        match self {
            Cause::BadPayload => "correct the data of the channel that the message names",
            Cause::BadRequest => "correct what the message names",
            Cause::BadSetting => {
                "correct what the message names: a hyperparameter, a file below input/config, or a flag of `byoc train --help`"
            }
            Cause::InsufficientMemory => {
                "lower what the message names, or take a machine or container with more memory"
            }
            Cause::Io => "check the path, the permissions and the space on the disk",
            Cause::Stopped => {
                "run the job again; told to stop after its first mini-batches it writes the best model so far"
            }
            Cause::Internal => "that is a defect of this program; the log lines above tell more",
            _ => self.row().hint,
        }
    }
}

/// Where in a body or a file something is wrong. Rows and columns count from 1, bytes from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The record, counted as the reader counts records (a quoted line break does not start a new one).
    pub row: Option<usize>,
    /// The column within the record.
    pub column: Option<usize>,
    /// The column's name where one is known.
    pub name: Option<String>,
    /// The byte within the body or file.
    pub byte: Option<usize>,
}

impl Place {
    /// The place of a record, counted from 1.
    pub fn row(row: usize) -> Place {
        Place { row: Some(row), ..Place::default() }
    }

    /// The place of a cell, both counted from 1.
    pub fn cell(row: usize, column: usize) -> Place {
        Place { row: Some(row), column: Some(column), ..Place::default() }
    }

    /// The place of a byte, counted from 0.
    pub fn byte(byte: usize) -> Place {
        Place { byte: Some(byte), ..Place::default() }
    }

    /// The same place, with the byte.
    pub fn at_byte(mut self, byte: usize) -> Place {
        self.byte = Some(byte);
        self
    }

    /// The same place, with the column's name.
    pub fn named(mut self, name: impl Into<String>) -> Place {
        self.name = Some(shortened(name.into(), LONGEST_NAME));
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            separator = ", ";
        }
        if let Some(column) = self.column {
            write!(f, "{separator}column {column}")?;
            separator = ", ";
        }
        if let Some(name) = &self.name {
            if self.column.is_some() {
                write!(f, " ({name})")?;
            } else {
                write!(f, "{separator}column {name}")?;
                separator = ", ";
            }
        }
        if let Some(byte) = self.byte {
            write!(f, "{separator}byte {byte}")?;
        }
        Ok(())
    }
}

/// How many bytes of a message are kept, and of a column's name: messages hold what was found in artifacts and bodies, and go
/// to callers and logs.
const LONGEST_MESSAGE: usize = 8 << 10;
const LONGEST_NAME: usize = 256;

/// A text of at most so many bytes: of a longer one the beginning and the end, in memory of their own.
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
    message: String,
    place: Option<Place>,
}

/// What fallible functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a message that says what was wrong, what was expected and what was found.
    pub fn new(cause: Cause, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { cause, message: shortened(message.into(), LONGEST_MESSAGE), place: None }))
    }

    /// A body that cannot be read or does not fit the model.
    pub fn bad_payload(message: impl Into<String>) -> Error {
        Error::new(Cause::BadPayload, message)
    }

    /// An artifact that is broken, hostile or not supported.
    pub fn bad_artifact(message: impl Into<String>) -> Error {
        Error::new(Cause::BadArtifact, message)
    }

    /// A file operation that failed; the message names the file.
    pub fn io(doing: impl fmt::Display, path: &std::path::Path, error: &std::io::Error) -> Error {
        Error::new(Cause::Io, format!("could not {doing} {}: {error}", path.display()))
    }

    /// The same error at a place in the body or file. An inner place that is known already stays; nowhere is no place.
    pub fn at(mut self, place: Place) -> Error {
        if place == Place::default() {
            return self;
        }
        let known = self.0.place.get_or_insert_with(Place::default);
        known.row = known.row.or(place.row);
        known.column = known.column.or(place.column);
        known.byte = known.byte.or(place.byte);
        if known.name.is_none() {
            known.name = place.name;
        }
        self
    }

    /// The same error without a place: of bytes that nobody has seen.
    pub fn without_place(mut self) -> Error {
        self.0.place = None;
        self
    }

    /// The same error seen from further out: `message: the message so far`.
    pub fn context(mut self, message: impl fmt::Display) -> Error {
        self.0.message = shortened(format!("{message}: {}", self.0.message), LONGEST_MESSAGE);
        self
    }

    /// The same error under another cause.
    pub fn because(mut self, cause: Cause) -> Error {
        self.0.cause = cause;
        self
    }

    /// The same error with another name for something that its message names.
    pub fn renamed(mut self, name: &str, other: &str) -> Error {
        self.0.message = shortened(self.0.message.replace(name, other), LONGEST_MESSAGE);
        self
    }

    /// Why.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// Where, if the error has a place.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The message without its place.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// What a caller is told of work that may not take what it needs.
impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Error {
        match exceeded {
            Exceeded::NeverFits(Purpose::Answer, shortage) => Error::new(
                Cause::PayloadTooLarge,
                format!(
                    "answering takes more memory than there is: it needs {} bytes or more, of {} bytes for requests: send \
                     fewer rows a request",
                    shortage.needed, shortage.limit
                ),
            ),
            Exceeded::NotNow(Purpose::Answer, shortage) => Error::new(
                Cause::Unavailable,
                format!(
                    "other requests take the memory that answering needs: {} bytes or more, of which {} are free: try \
                     again, or send fewer rows a request",
                    shortage.needed, shortage.free
                ),
            ),
            Exceeded::NeverFits(Purpose::Load, shortage) | Exceeded::NotNow(Purpose::Load, shortage) => {
                Error::new(Cause::InsufficientMemory, format!("loading takes more memory than is free: {shortage}"))
            }
            Exceeded::TooLate => {
                Error::new(Cause::Timeout, "it was not done in time: send fewer rows a request, or raise the timeout")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.place {
            Some(place) => write!(f, "{place}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_message_and_a_long_name_the_beginning_and_the_end_are_kept() {
        let long = format!("first{}last", "é".repeat(1 << 20));
        let error = Error::bad_payload(&*long).at(Place::cell(1, 2).named(&*long)).context("around");
        let text = error.to_string();
        assert!(text.starts_with("row 1, column 2 (firsté") && text.ends_with("élast"), "{text}");
        assert!(error.message().starts_with("around: first") && error.message().contains("é … é"));
        assert!(text.len() <= LONGEST_MESSAGE + LONGEST_NAME + 64, "{}", text.len());
        assert!(error.0.message.capacity() <= LONGEST_MESSAGE);
    }

    #[test]
    fn a_data_error_reads_as_place_then_message() {
        let error = Error::bad_payload("expected a number, found \"abc\"")
            .at(Place::cell(3, 2).named("SQUARE_FEET").at_byte(57));
        assert_eq!(error.to_string(), "row 3, column 2 (SQUARE_FEET), byte 57: expected a number, found \"abc\"");
    }

    #[test]
    fn an_outer_place_adds_to_an_inner_one_and_never_overrides_it() {
        let error = Error::bad_payload("x").at(Place::cell(1, 5)).at(Place::row(9).at_byte(4));
        assert_eq!(error.to_string(), "row 1, column 5, byte 4: x");
    }

    #[test]
    fn an_error_that_is_nowhere_has_no_colon_before_it() {
        let error = Error::bad_payload("x").at(Place::default());
        assert_eq!((error.to_string().as_str(), error.place()), ("x", None));
        assert_eq!(error.context("unable").to_string(), "unable: x");
    }

    #[test]
    fn a_job_is_not_told_of_requests() {
        for cause in [
            Cause::BadPayload,
            Cause::BadSetting,
            Cause::InsufficientMemory,
            Cause::Io,
            Cause::Stopped,
            Cause::Internal,
        ] {
            let hint = cause.training_hint();
            assert!(["body", "request", "unload"].iter().all(|word| !hint.contains(word)), "{cause:?}: {hint}");
        }
    }

    #[test]
    fn every_cause_has_a_status_that_says_error_and_an_exit_code_that_is_not_success() {
        for cause in Cause::ALL {
            assert!((400..600).contains(&cause.row().status), "{cause:?}");
            assert_ne!(cause.row().exit_code, 0, "{cause:?}");
            assert!(!cause.row().hint.is_empty(), "{cause:?}");
        }
    }
}

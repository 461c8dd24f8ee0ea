//! The error table: the HTTP status, exit code and hint of each cause.

use byoc_formats::error;

/// One row of the error table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What the cause means: its doc comment.
    pub meaning: &'static str,
    /// The HTTP status of a container's response.
    pub status: u16,
    /// The `type` in the error body, as multi-model-server has it, or a name in the same style for other errors.
    pub kind: &'static str,
    /// The exit code of a process that ends with this error, from `sysexits.h` if it has one.
    pub exit_code: u8,
    /// How to fix it, in one line.
    pub hint: &'static str,
}

macro_rules! causes {
    ($($(#[doc = $doc:literal])* $name:ident = $status:literal $kind:literal exit $exit:literal, $hint:literal;)*) => {
        /// Why an operation failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[doc = $doc])* $name,)* }

        impl Cause {
            /// Every cause, in the order of the table.
            pub const ALL: &'static [Cause] = &[$(Cause::$name,)*];

            /// The row of the error table.
            pub const fn row(self) -> Row {
                match self {
                    $(Cause::$name => Row {
                        meaning: concat!($($doc, "\n"),*),
                        status: $status,
                        kind: $kind,
                        exit_code: $exit,
                        hint: $hint,
                    },)*
                }
            }
        }
    };
}

causes! {
    /// The request body cannot be read, or does not fit the model.
    BadPayload = 400 "BadRequestException" exit 65, "correct the body at the place that the message names";
    /// A malformed request (a missing parameter, invalid JSON in a management call), or a command line with an unknown
    /// flag or argument.
    BadRequest = 400 "BadRequestException" exit 64, "correct the request";
    /// The body did not arrive in time.
    RequestTimeout = 408 "RequestTimeoutException" exit 75,
        "send the whole body, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// No model of that name is loaded, or nothing exists at its URL.
    ModelNotFound = 404 "ModelNotFoundException" exit 66, "check the name, the path or the URL";
    /// This process may not read an object or a file.
    AccessDenied = 404 "ModelNotFoundException" exit 66,
        "for S3, check the credentials (aws sts get-caller-identity shows whose they are) and that the policies \
         of that user or role and of the bucket allow s3:GetObject on the object and s3:ListBucket on the bucket; \
         for a file, check its permissions";
    /// No such path.
    ResourceNotFound = 404 "ResourceNotFoundException" exit 64,
        "docs/serving.md and docs/endpoint.md list the paths that are served";
    /// The path exists, but not with this method.
    MethodNotAllowed = 405 "MethodNotAllowedException" exit 64,
        "docs/serving.md and docs/endpoint.md list the methods of each path";
    /// No media type that the client accepts can represent the response.
    NotAcceptable = 406 "NotAcceptableException" exit 64, "send an Accept header that names a type in the message";
    /// A model of that name is loaded already, or is being loaded.
    ModelAlreadyRegistered = 409 "ConflictStatusException" exit 64, "unload the model first";
    /// The body is larger than the limit.
    PayloadTooLarge = 413 "PayloadTooLargeException" exit 64,
        "send fewer rows per request, or raise SAGEMAKER_MAX_REQUEST_SIZE";
    /// The model does not accept the body's media type.
    UnsupportedMediaType = 415 "UnsupportedMediaTypeException" exit 64, "send a Content-Type that the message names";
    /// An artifact is corrupt or malicious. Never used for lack of memory.
    BadArtifact = 500 "InvalidModelException" exit 65,
        "create or copy the artifact again; docs/serving.md lists the supported models; to use any \
         other model, keep its own container and put that behind the endpoint: --container NAME=URL";
    /// A folder or file contains no model.
    NoModel = 404 "ModelNotFoundException" exit 65,
        "put one model there; docs/serving.md lists the supported models; to use any other model, keep its own \
         container and put that behind the endpoint: --container NAME=URL";
    /// A folder contains several pickles, so that it is unclear which one is meant.
    SeveralModels = 500 "InvalidModelException" exit 65, "leave one model there, or give the path of one of the files";
    /// Models cannot be downloaded from this kind of URL.
    NotDownloaded = 400 "DownloadModelException" exit 64,
        "download the model, and give the folder that it was unpacked to";
    /// An artifact is intact, but its kind or class is not supported.
    Unsupported = 500 "InvalidModelException" exit 65,
        "docs/scikit-learn.md lists the supported classes: make the model of those, or keep its own container and \
         put that behind the endpoint: --container NAME=URL";
    /// A model is intact and supported, but not of the kind that is needed there.
    OtherModel = 500 "InvalidModelException" exit 65, "give a model of the kind that the message names";
    /// A file is a Git LFS pointer rather than the content.
    NotPulled = 500 "InvalidModelException" exit 65,
        "run git lfs pull in the clone of the repository, and give the file itself";
    /// A `columns.json` cannot be read, or does not fit the model.
    BadColumns = 500 "InvalidModelException" exit 65,
        "correct columns.json, or remove it to use the columns that the model records";
    /// A `preprocessor.json` is not a fitted document, or contradicts itself.
    BadDocument = 500 "InvalidModelException" exit 65,
        "have byoc train write preprocessor.json again from its specification and the data, or correct it where \
         the message says";
    /// The model does not have the requested method.
    NoSuchMethod = 500 "InvalidModelException" exit 65,
        "name another method with --method, BYOC_METHOD or columns.json, or none";
    /// A file could not be read or written.
    Io = 500 "InternalServerException" exit 74, "check the path or port, and the permissions";
    /// A bug in byoc. The client gets the request ID; the message is in the log.
    Internal = 500 "InternalServerException" exit 70, "look for the request's id in the log";
    /// All workers are busy and the queue is full, or the model is not ready. Clients may try again.
    Unavailable = 503 "ServiceUnavailableException" exit 75, "try again, or raise SAGEMAKER_MODEL_JOB_QUEUE_SIZE";
    /// The storage of an object or a model did not respond, or its response was incomplete.
    Unreachable = 503 "ServiceUnavailableException" exit 75,
        "check the network and the settings that say where S3 is (AWS_ENDPOINT_URL_S3, AWS_REGION), then run it \
         again";
    /// A container could not be started, or did not pass its health check.
    NotHealthy = 503 "ServiceUnavailableException" exit 69,
        "check that the container runs and listens on that address; its own log says why it does not, and the log \
         lines of a container that this program started are above";
    /// Answering the request took longer than the limit.
    Timeout = 504 "RequestTimeoutException" exit 75,
        "send fewer rows per request, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// The process was stopped before all requests were answered.
    CutOff = 503 "ServiceUnavailableException" exit 75,
        "send the unanswered requests again; an endpoint waits for them for up to --container-timeout";
    /// The model does not fit in the free memory. The platform unloads other models and tries again.
    InsufficientMemory = 507 "InternalServerException" exit 71,
        "give the process more memory; in a container, unload a model or raise BYOC_MODEL_MEMORY";
    /// Some objects of a batch transform job failed; the rest were written.
    ObjectsFailed = 500 "InternalServerException" exit 1,
        "correct what the message names and run the job again: it does only what is missing";
    /// A job was stopped before it finished.
    Stopped = 503 "ServiceUnavailableException" exit 75, "run the job again: it does only what is missing";
    /// A setting is invalid: a flag, an environment variable, a configuration file.
    BadSetting = 500 "InternalServerException" exit 78, "correct the setting; --help lists them";
}

impl From<error::Cause> for Cause {
    fn from(cause: error::Cause) -> Cause {
        match cause {
            error::Cause::BadPayload => Cause::BadPayload,
            error::Cause::BadMediaType => Cause::BadRequest,
            error::Cause::UnsupportedMediaType => Cause::UnsupportedMediaType,
            error::Cause::NotWritable => Cause::NotAcceptable,
            error::Cause::BadArtifact => Cause::BadArtifact,
            error::Cause::NoModel => Cause::NoModel,
            error::Cause::Unsupported => Cause::Unsupported,
            error::Cause::NotPulled => Cause::NotPulled,
            error::Cause::BadColumns => Cause::BadColumns,
            error::Cause::BadDocument => Cause::BadDocument,
            error::Cause::NoSuchMethod => Cause::NoSuchMethod,
            error::Cause::BadSetting => Cause::BadSetting,
            error::Cause::NeverFits => Cause::PayloadTooLarge,
            error::Cause::NotNow => Cause::Unavailable,
            error::Cause::TooLate => Cause::Timeout,
            error::Cause::InsufficientMemory => Cause::InsufficientMemory,
            error::Cause::Stopped => Cause::Stopped,
            error::Cause::Io => Cause::Io,
            error::Cause::Internal => Cause::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_an_error_status_a_failing_exit_code_and_a_hint() {
        for cause in Cause::ALL {
            assert!((400..600).contains(&cause.row().status), "{cause:?}");
            assert_ne!(cause.row().exit_code, 0, "{cause:?}");
            assert!(!cause.row().hint.is_empty(), "{cause:?}");
        }
    }
}

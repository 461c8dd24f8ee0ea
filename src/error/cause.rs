//! The error table: what each cause means to a client, to a process, and to the person who reads about it.

use byoc_formats::error;

/// One row of the error table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What the cause means, as its documentation says.
    pub meaning: &'static str,
    /// The HTTP status of a container's answer.
    pub status: u16,
    /// The `type` of multi-model-server's error body, or a name in the same style where it has none.
    pub kind: &'static str,
    /// The exit code of a process that ends for this cause, from `sysexits.h` where that has one.
    pub exit_code: u8,
    /// What to do about it, in one line.
    pub hint: &'static str,
}

macro_rules! causes {
    ($($(#[doc = $doc:literal])* $name:ident = $status:literal $kind:literal exit $exit:literal, $hint:literal;)*) => {
        /// Why something could not be done.
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
    /// A request body that cannot be read, or does not fit the model.
    BadPayload = 400 "BadRequestException" exit 65, "correct the body at the place that the message names";
    /// A request that is malformed outside its body (a missing parameter, bad JSON in a management call), or a command line
    /// with an unknown flag or word.
    BadRequest = 400 "BadRequestException" exit 64, "correct the request";
    /// The body did not arrive in time.
    RequestTimeout = 408 "RequestTimeoutException" exit 75,
        "send the whole body, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// No model of that name is loaded, or there is nothing at the URL to load it from.
    ModelNotFound = 404 "ModelNotFoundException" exit 66, "check the name, the path or the URL";
    /// An object or a file that this process may not read.
    AccessDenied = 404 "ModelNotFoundException" exit 66,
        "for S3, check the credentials (aws sts get-caller-identity shows whose they are) and that the policies \
         of that user or role and of the bucket allow s3:GetObject on the object and s3:ListBucket on the bucket; \
         for a file, check its permissions";
    /// No such path.
    ResourceNotFound = 404 "ResourceNotFoundException" exit 64,
        "docs/serving.md and docs/endpoint.md list the paths that are served";
    /// The path exists, the method does not.
    MethodNotAllowed = 405 "MethodNotAllowedException" exit 64,
        "docs/serving.md and docs/endpoint.md list the methods of each path";
    /// The answer cannot be written in any media type that the client accepts.
    NotAcceptable = 406 "NotAcceptableException" exit 64, "send an Accept header that names a type in the message";
    /// A model of that name is loaded already, or is being loaded.
    ModelAlreadyRegistered = 409 "ConflictStatusException" exit 64, "unload the model first";
    /// The body is larger than the limit.
    PayloadTooLarge = 413 "PayloadTooLargeException" exit 64,
        "send fewer rows per request, or raise SAGEMAKER_MAX_REQUEST_SIZE";
    /// The model does not read the body's media type.
    UnsupportedMediaType = 415 "UnsupportedMediaTypeException" exit 64, "send a Content-Type that the message names";
    /// An artifact that is broken or hostile. Never used for lack of memory.
    BadArtifact = 500 "InvalidModelException" exit 65,
        "make the artifact again, or copy it again whole; docs/serving.md lists the supported models; to use any \
         other model, keep its own container and put that behind the endpoint: --container NAME=URL";
    /// A folder or file without a model.
    NoModel = 404 "ModelNotFoundException" exit 65,
        "put one model there; docs/serving.md lists the supported models; to use any other model, keep its own \
         container and put that behind the endpoint: --container NAME=URL";
    /// A folder with several models.
    SeveralModels = 500 "InvalidModelException" exit 65, "leave one model there, or give the path of one of the files";
    /// A URL from which models are not downloaded.
    NotDownloaded = 400 "DownloadModelException" exit 64,
        "download the model, and give the folder that it was unpacked to";
    /// An artifact that is whole, but of a kind or class that is not supported.
    Unsupported = 500 "InvalidModelException" exit 65,
        "docs/scikit-learn.md lists the supported classes: make the model of those, or keep its own container and \
         put that behind the endpoint: --container NAME=URL";
    /// A file that is only the pointer that Git LFS leaves in place of the content.
    NotPulled = 500 "InvalidModelException" exit 65,
        "run git lfs pull in the clone of the repository, and give the file itself";
    /// A `columns.json` that cannot be read, or does not fit the model.
    BadColumns = 500 "InvalidModelException" exit 65,
        "correct columns.json, or remove it to use the columns that the model records";
    /// A `preprocessor.json` that is not a fitted document, or contradicts itself.
    BadDocument = 500 "InvalidModelException" exit 65,
        "have byoc train write preprocessor.json again from its specification and the data, or correct it where \
         the message says";
    /// A method that the model does not have.
    NoSuchMethod = 500 "InvalidModelException" exit 65,
        "name another method with --method, BYOC_METHOD or columns.json, or none";
    /// A file that could not be read or written.
    Io = 500 "InternalServerException" exit 74, "check the path or port, and the permissions";
    /// A defect of this program. The client gets the request's id; the message is in the log.
    Internal = 500 "InternalServerException" exit 70, "look for the request's id in the log";
    /// All workers are busy and the queue is full, or the model is not ready. Clients may try again.
    Unavailable = 503 "ServiceUnavailableException" exit 75, "try again, or raise SAGEMAKER_MODEL_JOB_QUEUE_SIZE";
    /// The storage of an object or a model did not answer, or its answer broke off.
    Unreachable = 503 "ServiceUnavailableException" exit 75,
        "check the network and the settings that say where S3 is (AWS_ENDPOINT_URL_S3, AWS_REGION), then run it \
         again";
    /// A container of an endpoint could not be started, or did not pass its health check.
    NotHealthy = 503 "ServiceUnavailableException" exit 69,
        "check that the container runs and listens on that address; its own log says why it does not, and the log \
         lines of a container that this program started are above";
    /// The work took longer than the limit.
    Timeout = 504 "RequestTimeoutException" exit 75,
        "send fewer rows per request, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
    /// A process that was told to stop ended before all its requests were answered.
    CutOff = 503 "ServiceUnavailableException" exit 75,
        "send the unanswered requests again; an endpoint waits for them as long as --container-timeout says";
    /// The model does not fit in the free memory: the platform unloads other models and tries again.
    InsufficientMemory = 507 "InternalServerException" exit 71,
        "give the process more memory; in a container, unload a model or raise BYOC_MODEL_MEMORY";
    /// Some objects of a batch transform job failed; the rest were written.
    ObjectsFailed = 500 "InternalServerException" exit 1,
        "correct what the message names and run the job again: it does only what is missing";
    /// A job that was told to stop before its end.
    Stopped = 503 "ServiceUnavailableException" exit 75, "run the job again: it does only what is missing";
    /// A setting that is wrong: a flag, an environment variable, a configuration file.
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

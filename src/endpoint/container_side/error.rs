//! Errors of an invocation.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Reason;

/// Why an invocation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvocationError {
    /// The request names a TargetModel and no container of the pipeline is in MultiModel mode.
    TargetModelNotSupported,
    /// The request names no TargetModel and a container is in MultiModel mode.
    TargetModelMissing,
    /// The request names no TargetContainerHostname and the containers are in Direct mode.
    TargetContainerMissing,
    /// The request names a TargetContainerHostname and the containers are in Serial mode.
    TargetContainerNotSupported,
    /// The request names an unknown container.
    NoSuchContainer {
        /// The TargetContainerHostname.
        hostname: String,
        /// The known containers.
        known: Vec<String>,
    },
    /// There is no artifact for the TargetModel.
    NoSuchModel {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
    },
    /// The model was not ready in time; loading continues.
    ModelNotReady {
        /// The TargetModel.
        target_model: String,
        /// How long the request waited.
        waited: Duration,
    },
    /// The artifact is not a model archive.
    BadArtifact {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// The artifact needs more disk space than all models may take.
    DiskTooSmall {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
        /// `--model-disk`, in bytes.
        limit: u64,
    },
    /// The artifact could not be downloaded.
    StoreUnavailable {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
        /// The error.
        reason: Reason,
    },
    /// A container has failed permanently, and with it the endpoint.
    EndpointFailed {
        /// FailureReason.
        reason: String,
    },
    /// The memory budget does not allow the response of a container.
    NoMemory,
    /// The endpoint itself failed, not because of the request.
    Internal(Reason),
    /// A container did not give a usable response.
    Container {
        /// The container's name in errors.
        container: String,
        /// The failure.
        what: ContainerError,
    },
}

/// How a container failed to give a 2xx response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerError {
    /// It answered with another status.
    Status(u16, Bytes),
    /// It answered with this status and a body that exceeds this limit in bytes.
    BodyTooLarge(u16, usize),
    /// It answered with 2xx and a body that is too large for the next container.
    HandOverTooLarge {
        /// The status of the answer.
        status: u16,
        /// The next container's name in errors.
        next: String,
        /// The size of the body, as far as it is known.
        bytes: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// It exceeded the time limit of an invocation.
    TimedOut,
    /// The connection failed.
    NoAnswer(String),
    /// Its process has exited and is being restarted.
    Ended(String),
}

/// For the log: clients get AWS's wording.
impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvocationError::TargetModelNotSupported => f.write_str("no container takes a TargetModel"),
            InvocationError::TargetModelMissing => f.write_str("TargetModel is missing"),
            InvocationError::TargetContainerMissing => f.write_str("TargetContainerHostname is missing"),
            InvocationError::TargetContainerNotSupported => f.write_str("no TargetContainerHostname is taken"),
            InvocationError::NoSuchContainer { hostname, known } => {
                write!(f, "there is no container {hostname}, only {}", known.join(", "))
            }
            InvocationError::NoSuchModel { .. } => f.write_str("nothing is there, or nothing that may be read"),
            InvocationError::ModelNotReady { waited, .. } => {
                write!(f, "it was not loaded within {} s", waited.as_secs())
            }
            InvocationError::BadArtifact { reason, .. }
            | InvocationError::StoreUnavailable { reason, .. }
            | InvocationError::Internal(reason) => reason.fmt(f),
            InvocationError::DiskTooSmall { limit, .. } => {
                write!(f, "it needs more disk space than the {limit} bytes of --model-disk")
            }
            InvocationError::EndpointFailed { reason } => f.write_str(reason),
            InvocationError::NoMemory => f.write_str("others hold the memory that it needs"),
            InvocationError::Container { container, what } => write!(f, "container {container} {what}"),
        }
    }
}

impl std::error::Error for InvocationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InvocationError::BadArtifact { reason, .. }
            | InvocationError::StoreUnavailable { reason, .. }
            | InvocationError::Internal(reason) => reason.source(),
            _ => None,
        }
    }
}

/// Continues a message that begins with "container NAME".
impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The most characters of a body that a log line shows.
        const MAX_CHARACTERS: usize = 300;
        match self {
            ContainerError::Status(status, body) => {
                let body: String = String::from_utf8_lossy(body).chars().take(MAX_CHARACTERS).collect();
                write!(f, "answered {status}: {}", body.trim())
            }
            ContainerError::BodyTooLarge(status, limit) => {
                write!(f, "answered {status} with a body of more than {limit} bytes")
            }
            ContainerError::HandOverTooLarge { next, bytes, limit, .. } => {
                write!(f, "answered with {bytes} bytes for container {next}, which is given at most {limit}")
            }
            ContainerError::TimedOut => f.write_str("did not answer in time"),
            ContainerError::NoAnswer(why) => write!(f, "gave no answer: {why}"),
            ContainerError::Ended(how) => write!(f, "does not run: {how}"),
        }
    }
}

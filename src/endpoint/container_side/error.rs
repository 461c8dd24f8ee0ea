//! What can go wrong on the way through the containers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// Why a request has no answer.
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
    /// The request names a container that is not there.
    NoSuchContainer {
        /// The TargetContainerHostname.
        hostname: String,
        /// The containers that are there.
        known: Vec<String>,
    },
    /// No artifact lies under the prefix for the TargetModel.
    NoSuchModel {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
    },
    /// The model was not ready in time; loading goes on.
    ModelNotReady {
        /// The TargetModel.
        target_model: String,
        /// How long the request waited.
        waited: Duration,
    },
    /// The artifact is there and is no model archive.
    BadArtifact {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// The artifact could not be downloaded now.
    StoreUnavailable {
        /// The container that would have loaded it.
        container: String,
        /// ModelDataUrl and TargetModel together.
        url: String,
        /// What happened.
        message: String,
    },
    /// A container has failed for good, and with it the endpoint.
    EndpointFailed {
        /// FailureReason.
        reason: String,
    },
    /// The answer of a container would need memory that others hold.
    NoMemory,
    /// The endpoint itself failed, for reasons that are not the caller's.
    Internal(String),
    /// A container did not give a usable answer.
    Container {
        /// The container as errors name it.
        container: String,
        /// What it did.
        what: ContainerError,
    },
}

/// What a container did instead of answering with 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerError {
    /// It answered with another status.
    Status(u16, Bytes),
    /// It answered with this status and a body too large to be read; the limit was this many bytes.
    BodyTooLarge(u16, usize),
    /// It answered with 2xx and a body too large to be handed to the next container.
    HandOverTooLarge {
        /// The status of the answer.
        status: u16,
        /// The next container as errors name it.
        next: String,
        /// The size of the body, as far as it is known.
        bytes: u64,
        /// The most that may be handed over.
        limit: usize,
    },
    /// It took longer than an invocation may.
    TimedOut,
    /// The connection failed or broke.
    NoAnswer(String),
    /// Its process has ended; it is being started again.
    Ended(String),
}

/// For the log: clients are told in AWS's words.
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
            InvocationError::BadArtifact { message, .. } | InvocationError::StoreUnavailable { message, .. } => {
                f.write_str(message)
            }
            InvocationError::EndpointFailed { reason } => f.write_str(reason),
            InvocationError::NoMemory => f.write_str("others hold the memory that it needs"),
            InvocationError::Internal(message) => f.write_str(message),
            InvocationError::Container { container, what } => write!(f, "container {container} {what}"),
        }
    }
}

/// What goes on from "container NAME".
impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// As much of a body as a line of the log shows.
        const MOST: usize = 300;
        match self {
            ContainerError::Status(status, body) => {
                let body: String = String::from_utf8_lossy(body).chars().take(MOST).collect();
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

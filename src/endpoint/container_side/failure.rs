//! What can go wrong on the way through the containers.

use std::time::Duration;

use bytes::Bytes;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
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
        what: ContainerFailure,
    },
}

/// What a container did instead of answering with 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerFailure {
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

//! The settings of a container, checked.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::platform::batch_strategy::BatchStrategy;
use crate::storage::{Location, S3Access};
use byoc_formats::media_types::MediaType;
use byoc_sklearn::preprocessor::Overrides;

/// The settings of `byoc serve`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 picks a free one.
    pub port: u16,
    /// Which models.
    pub mode: Mode,
    /// How S3 is reached, where the model lies there.
    pub s3: S3Access,
    /// The folder that models of multi-model mode are loaded from; anywhere if `None`.
    pub models_root: Option<PathBuf>,
    /// What is said of scikit-learn artifacts, beside what lies with them.
    pub overrides: Overrides,
    /// The media type of a response whose caller accepts any; JSON if `None`.
    pub default_accept: Option<MediaType>,
    /// How many requests are worked on at once.
    pub workers: usize,
    /// How long a request may take from its arrival.
    pub timeout: Duration,
    /// How many large requests may wait for a worker.
    pub queue: usize,
    /// The largest request body, in bytes.
    pub max_request_bytes: usize,
    /// Whether this is the container of a batch transform job.
    pub batch: Option<Batch>,
    /// How many bytes of memory the container has.
    pub memory: u64,
    /// How many of them loaded models may take.
    pub model_memory: u64,
    /// Whether the end of standard input means to stop: the endpoint that started us is gone.
    pub stop_on_stdin_eof: bool,
}

/// A batch transform job, as its container is told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// MaxPayloadInMB, where the caller set it; 0 is a whole object, streamed.
    pub max_payload_in_mb: Option<u64>,
    /// BatchStrategy, where the caller set it.
    pub strategy: Option<BatchStrategy>,
    /// MaxConcurrentTransforms, where the caller set it.
    pub max_concurrent: Option<u64>,
}

/// Which models a container serves.
#[derive(Clone, Debug)]
pub enum Mode {
    /// One, loaded at start from a folder, or from the archive that would be unpacked to one; either may lie in S3.
    SingleModel(Location),
    /// Those that the platform loads.
    MultiModel,
}

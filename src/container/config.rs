//! The validated settings of a container.

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
    /// The mode: single-model or multi-model.
    pub mode: Mode,
    /// Access to S3, for a model in S3.
    pub s3: S3Access,
    /// The folder that models are loaded from in multi-model mode; any path if `None`.
    pub models_root: Option<PathBuf>,
    /// Overrides for scikit-learn artifacts.
    pub overrides: Overrides,
    /// The media type of a response if the caller accepts any; JSON if `None`.
    pub default_accept: Option<MediaType>,
    /// The number of worker threads.
    pub workers: usize,
    /// How long a request may take, from its arrival.
    pub timeout: Duration,
    /// How many large requests may wait for a worker.
    pub queue: usize,
    /// The largest request body, in bytes.
    pub max_request_bytes: usize,
    /// The job's settings, in the container of a batch transform job.
    pub batch: Option<Batch>,
    /// The container's memory in bytes.
    pub memory: u64,
    /// How many of these bytes loaded models may take.
    pub model_memory: u64,
    /// Whether to stop when standard input ends. An endpoint keeps the standard input of its containers open as long
    /// as it runs.
    pub stop_on_stdin_eof: bool,
}

/// The settings of a batch transform job that its container knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// MaxPayloadInMB, if the job sets it; 0 means that each object is streamed as a whole.
    pub max_payload_in_mb: Option<u64>,
    /// BatchStrategy, if the job sets it.
    pub strategy: Option<BatchStrategy>,
    /// MaxConcurrentTransforms, if the job sets it.
    pub max_concurrent: Option<u64>,
}

/// Which models a container serves.
#[derive(Clone, Debug)]
pub enum Mode {
    /// One model, loaded at start from a folder, a file or an archive, local or in S3.
    SingleModel(Location),
    /// Models that SageMaker loads through the API.
    MultiModel,
}

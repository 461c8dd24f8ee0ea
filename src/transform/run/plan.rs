//! How payloads are made and how many are sent at the same time.

use std::sync::Arc;

use crate::platform::batch_strategy::BatchStrategy;
use crate::transform::job::{Job, MAX_MEGABYTES};
use crate::transform::model::ExecutionParameters;
use crate::transform::split::Packing;

/// MaxPayloadInMB and MaxConcurrentTransforms if neither the job nor the container sets them
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MAX_PAYLOAD_IN_MB: u64 = 6;
const MAX_CONCURRENT: u64 = 1;
/// The target size of a payload if the job does not set MaxPayloadInMB, which is an upper bound for the service too.
/// Some hundredths of a second of work: larger payloads are no faster, but each container and the job hold them, and
/// responses of several times their size, at the same time.
const FILL_IN_MB: u64 = 1;
/// How payloads are made and how many are sent concurrently.
pub(super) struct Plan {
    pub(super) packing: Packing,
    pub(super) concurrent: usize,
    /// Whether whole objects are streamed.
    pub(super) streams: bool,
}

impl Plan {
    /// Uses the job's settings, else the container's, else the service's defaults.
    pub(super) fn new(job: &Job, parameters: ExecutionParameters) -> Plan {
        let payload =
            job.max_payload_in_mb.or(parameters.max_payload_in_mb).unwrap_or(MAX_PAYLOAD_IN_MB).min(MAX_MEGABYTES);
        let fill = job.max_payload_in_mb.unwrap_or(payload.min(FILL_IN_MB));
        let most = MAX_MEGABYTES / payload.max(1);
        let concurrent = job.max_concurrent.or(parameters.max_concurrent).unwrap_or(MAX_CONCURRENT).min(most).max(1);
        let strategy = job.strategy.or(parameters.strategy).unwrap_or(BatchStrategy::MultiRecord);
        Plan {
            packing: Packing {
                split: job.split,
                strategy,
                most: usize::try_from(payload << 20).unwrap_or(usize::MAX),
                fill: usize::try_from(fill << 20).unwrap_or(usize::MAX),
                header: job.header,
                processing: job.processing.clone().map(Arc::new),
            },
            concurrent: usize::try_from(concurrent).unwrap_or(1),
            streams: payload == 0,
        }
    }
}

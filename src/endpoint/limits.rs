//! What an endpoint refuses to wait for or to hold.

use std::time::Duration;

use super::container_side::CallLimits;

/// The limits of an endpoint. [`Limits::default`] has the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body: 25 MB (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
    pub request_bytes: usize,
    /// The limits of the exchanges with containers.
    pub call: CallLimits,
    /// How long a request waits for its model, then it gets a ModelNotReadyException: 60 s
    /// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
    pub model_ready_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { request_bytes: 25 << 20, call: CallLimits::default(), model_ready_timeout: Duration::from_secs(60) }
    }
}

//! Limits of the duration of an exchange with a container and of the size of its response.

use std::time::Duration;

/// The limits of one invocation. The default values are SageMaker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvocationLimits {
    /// The most bytes that one container may pass to the next: 5 MB
    /// (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html).
    pub hand_over_bytes: usize,
    /// The most bytes of the last response: the same as for a request.
    pub answer_bytes: usize,
    /// The time limit for a container's response, or for the first byte of a streamed one: 60 s
    /// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
    pub container_timeout: Duration,
    /// The time limit for a whole streamed response: 8 minutes, from the same page.
    pub stream_timeout: Duration,
}

impl Default for InvocationLimits {
    fn default() -> InvocationLimits {
        InvocationLimits {
            hand_over_bytes: 5 << 20,
            answer_bytes: 25 << 20,
            container_timeout: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(8 * 60),
        }
    }
}

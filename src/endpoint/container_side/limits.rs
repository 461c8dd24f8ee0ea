//! How long an exchange with a container may take, and how large its answer may be.

use std::time::Duration;

/// The limits of one invocation. [`InvocationLimits::default`] has the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvocationLimits {
    /// The most bytes that one container may hand to the next: 5 MB
    /// (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html).
    pub hand_over_bytes: usize,
    /// The most bytes that are read of the last answer: as much as a request may have.
    pub answer_bytes: usize,
    /// The longest that a container may take for its answer, or for the first byte of one that is streamed: 60 s
    /// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
    pub container_timeout: Duration,
    /// The longest that a streamed answer may take as a whole: 8 minutes, from the same page.
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

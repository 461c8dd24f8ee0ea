//! What an endpoint refuses to wait for or to hold.

use super::container_side::CallLimits;

/// The limits of an endpoint. [`Limits::default`] has the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body: 25 MB (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
    pub request_bytes: usize,
    /// The limits of the exchanges with containers.
    pub call: CallLimits,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { request_bytes: 25 << 20, call: CallLimits::default() }
    }
}

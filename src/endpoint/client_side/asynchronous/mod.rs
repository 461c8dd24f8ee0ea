//! InvokeEndpointAsync: a request is taken now, answered later, and the answer is an object
//! (docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
//!
//! `request` takes it and says where the answer will be; `queue` works on it, in order and so many at a time; `places` is
//! the only part that knows where inputs and outputs lie.

mod locations;
mod queue;
mod request;

pub use queue::{Queue, Worker};
pub(super) use request::OPERATION;

#[cfg(test)]
#[path = "asynchronous_test.rs"]
mod tests;

//! InvokeEndpointAsync: a request is taken now, answered later, and the answer is an object
//! (docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
//!
//! `request` puts it into the endpoint's queue and says where the answer will be; `worker` answers the queued requests in order,
//! several at a time.

mod request;
mod worker;

pub(super) use request::OPERATION;

#[cfg(test)]
#[path = "invoke_async_test.rs"]
mod tests;

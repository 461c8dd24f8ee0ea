//! InvokeEndpointAsync: a request is accepted now and answered later, into an object
//! (docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
//!
//! `request` appends it to the endpoint's queue and returns the output's location; `worker` processes the queue in
//! order, several requests at a time.

mod request;
mod worker;

pub(super) use request::OPERATION;

#[cfg(test)]
#[path = "invoke_async_test.rs"]
mod tests;

//! The side that clients see: the SageMaker runtime API, as boto3 and the AWS CLI speak it.
//!
//! `app` has the routes: those of the `operations`, and the endpoint's own in `status`. `runtime_api` is InvokeEndpoint,
//! `response_stream` the operation that streams and `asynchronous` the one that answers later; they share `invocation`, which
//! sends a request to one of the `variants`, in the `sessions` it belongs to. `aws_error` has AWS's errors in its words and
//! shapes, and `json_protocol` the answer to calls of other services. `authorization` decides who may call what, and `hosts`
//! under which host names. This side does not know how containers are reached.

mod admission;
mod app;
pub mod authorization;
mod aws_error;
mod body;
mod event_stream;
mod headers;
mod hosts;
mod invocation;
mod invoke_async;
mod json_protocol;
mod operations;
mod queue;
mod response_stream;
mod runtime_api;
mod services;
mod sessions;
mod status;
mod variants;

pub use app::{configure, for_our_hosts};
pub use hosts::AllowedHosts;
pub use queue::{Queue, Worker};
pub use services::{Endpoint, Services};
pub use variants::{Shadow, Variant, Variants};

#[cfg(test)]
#[path = "client_side_test.rs"]
mod tests;

//! The side that clients see: the SageMaker runtime API, as boto3 and the AWS CLI speak it.
//!
//! `app` lists the routes. `runtime_api` is InvokeEndpoint, `response_stream` the operation that streams and `asynchronous`
//! the one that answers later; what they share is `invocation`, which sends a request to one of the `variants`, in the
//! `sessions` it belongs to. `aws_error` says what went wrong in AWS's own words and shapes. `json_protocol` is how calls of other services are refused. `authorization` is
//! who may call what, `hosts` under which names. How containers are reached is not known here.

mod admission;
mod app;
mod asynchronous;
pub mod authorization;
mod aws_error;
mod body;
mod event_stream;
mod headers;
mod hosts;
mod invocation;
mod json_protocol;
mod operations;
mod response_stream;
mod runtime_api;
mod services;
mod sessions;
mod variants;

pub use app::{configure, for_our_hosts};
pub use asynchronous::{Queue, Worker};
pub use hosts::AllowedHosts;
pub use services::{Endpoint, Services};
pub use variants::{Shadow, Variant, Variants};

#[cfg(test)]
#[path = "client_side_test.rs"]
mod tests;

//! The client side of an endpoint: the SageMaker runtime API, as boto3 and the AWS CLI use it.
//!
//! `app` has the routes: those of the `operations`, and the endpoint's own in `status`. `runtime_api` is
//! InvokeEndpoint, `response_stream` the streaming operation and `invoke_async` InvokeEndpointAsync, whose waiting
//! requests are in `asynchronous`; they share `invocation`, which sends a request to one of the `variants`, in the
//! `sessions` it belongs to. `aws_error` has AWS's errors in its wording and format, and `json_protocol` refuses calls
//! of other services. `authorization` checks signatures and policies, and `hosts` the host name. This side does not
//! know how containers are reached.

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
mod invoke_async;
mod json_protocol;
mod operations;
mod response_stream;
mod runtime_api;
mod services;
mod sessions;
mod status;
mod variants;

pub use app::{check_host, configure};
pub use asynchronous::{Queue, Worker};
pub use hosts::AllowedHosts;
pub use services::{Endpoint, Services};
pub use variants::{Shadow, Variant, Variants};

#[cfg(test)]
#[path = "client_side_test.rs"]
mod tests;

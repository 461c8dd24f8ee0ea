//! The side that clients see: the SageMaker runtime API, as boto3 and the AWS CLI speak it.
//!
//! `app` lists the routes, `runtime_api` is InvokeEndpoint, `aws_error` says what went wrong in AWS's own words and
//! shapes. How containers are reached is not known here.

mod app;
mod aws_error;
mod headers;
mod operations;
mod runtime_api;
mod services;

pub use app::configure;
pub use services::Services;

#[cfg(test)]
#[path = "client_side_test.rs"]
mod tests;

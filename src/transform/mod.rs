//! Batch transform: a job over many objects, around containers that speak the hosting contract.
//!
//! docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html. From what was typed to what is written: `create_transform_job`
//! is the request's JSON and `job` what it means; `objects` finds what there is to do and `source` reads it; `split` makes
//! payloads of it; `model` has them answered; `processing` filters and joins; `output` writes whole files or none; `run` has
//! them all work together, and `progress` says how far they are.
//!
//! A job talks to containers over HTTP only and does not know what a container computes.

mod create_transform_job;
mod failure_report;
mod fingerprint;
mod job;
mod model;
mod objects;
mod output;
mod processing;
mod progress;
#[cfg(test)]
mod reference_test;
mod request;
mod run;
mod source;
mod split;
mod storage_error;

pub use job::{Job, MISSING, Problem};
pub use model::{LaunchSettings, ModelSource};
pub use request::{Member, Request};
pub use run::{Settings, run};

//! Batch transform: a job over many objects, around containers that speak the hosting contract.
//!
//! docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html. In the order of a job's life: `create_transform_job`
//! parses the request's JSON and `job` validates it; `objects` lists the inputs and `source` reads them; `split` makes
//! payloads; `model` invokes the containers; `processing` filters and joins; `output` writes complete files; `run`
//! connects them all, and `progress` reports how far the job is.
//!
//! A job uses containers over HTTP only and does not know what a container computes.

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

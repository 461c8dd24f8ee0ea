//! byoc: the runtime for bringing your own container to SageMaker.
//!
//! The map of the house, from the street to the ground; a room uses only rooms below it:
//!
//! - [`cli`]: one file a command; arguments in, exit code out.
//! - The contracts, none of which uses another: [`container`] (hosting: `/ping`, `/invocations`, `/models`) and
//!   [`endpoint`] (the local endpoint around containers), [`transform`] (batch transform) and [`training`] (the `/opt/ml`
//!   training tree).
//! - [`platform`]: what SageMaker does around containers, whatever for: CreateModel's JSON, starting them, their health.
//! - [`model`]: what a container can load, and one call: request body in, response body out. [`storage`]: where objects lie,
//!   on this machine and in S3.
//! - The domain, with no HTTP and no async: [`scorer`] upon [`preprocessor`], [`linear_learner`], [`artifact`], [`payload`].
//! - The ground: [`error`] (the error table), [`mod@env`] (every environment variable), [`telemetry`] (logs, metrics).

pub mod artifact;
pub mod cli;
pub mod container;
pub mod endpoint;
pub mod env;
pub mod error;
#[cfg(test)]
mod fake_container;
pub mod linear_learner;
pub mod model;
pub mod payload;
pub mod platform;
pub mod preprocessor;
pub mod scorer;
pub mod storage;
pub mod telemetry;
mod tls;
pub mod training;
pub mod transform;

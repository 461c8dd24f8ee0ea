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
//! - The ground: [`mod@env`] (every environment variable), [`telemetry`] (logs, metrics), [`in_flight`] (bytes under way, leased),
//!   [`sending`] (answers that have a deadline), [`temporary`] (folders that a killed process leaves to the next).
//! - [`fitting`], a package of its own ([`byoc_fitting`]): `preprocessor.json`, and what its transformers learn of rows.
//! - The domain, with no HTTP and no async, in a package of its own ([`byoc_domain`]): [`scorer`] upon [`preprocessor`],
//!   [`linear_learner`], [`artifact`], [`payload`], [`json_text`], and [`error`] (the error table).

pub use byoc_domain::{artifact, error, json_text, linear_learner, near, payload, preprocessor, scorer};
pub use byoc_fitting as fitting;

pub mod cli;
pub mod container;
pub mod endpoint;
pub mod env;
#[cfg(test)]
mod fake_container;
pub mod in_flight;
pub mod model;
pub mod platform;
pub mod sending;
pub mod serving;
pub mod storage;
pub mod telemetry;
pub mod temporary;
mod tls;
pub mod training;
pub mod transform;

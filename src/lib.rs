//! byoc: the runtime for bringing your own container to SageMaker.
//!
//! From top to bottom; a module uses only modules below it:
//!
//! - [`cli`]: the table of settings, and one file for each command; arguments in, exit code out.
//! - The four contracts, none of which uses another: [`container`] (hosting: `/ping`, `/invocations`, `/models`),
//!   [`endpoint`] (the local endpoint around containers), [`transform`] (batch transform) and [`training`] (the
//!   `/opt/ml` training tree).
//! - [`supervisor`]: a container's process from its start to its end. [`platform`]: what SageMaker does around
//!   containers: CreateModel's JSON, artifacts, the environment that containers start with.
//! - [`model`]: the models that a container can load, and one invocation: request body in, response body out.
//!   [`storage`]: files of this machine and objects in S3.
//! - [`mod@error`] (the error table), [`mod@env`] (the environment), [`signals`] (what asks the program to stop),
//!   [`telemetry`] (logs, metrics), [`http`] (the server, TLS, response bodies with a deadline), [`leased_bytes`]
//!   (bodies whose memory is leased as they arrive), [`temporary_folder`] (folders that are removed even if their
//!   process is killed).
//! - Packages of their own, without HTTP and async: [`byoc_sklearn`], [`byoc_linear_learner`], and [`byoc_formats`]
//!   below both.

pub mod cli;
pub mod container;
pub mod endpoint;
pub mod env;
pub mod error;
pub mod http;
pub mod leased_bytes;
pub mod model;
pub mod platform;
pub mod signals;
pub mod storage;
pub mod supervisor;
pub mod telemetry;
pub mod temporary_folder;
pub mod training;
pub mod transform;

//! byoc: the runtime for bringing your own container to SageMaker.
//!
//! From top to bottom; a module depends only on modules below it:
//!
//! - [`cli`]: the table of settings, and one file per command; arguments in, exit code out.
//! - The four contracts, which do not depend on each other: [`container`] (hosting: `/ping`, `/invocations`,
//!   `/models`), [`endpoint`] (the local endpoint around containers), [`transform`] (batch transform) and [`training`]
//!   (the `/opt/ml` training tree).
//! - [`supervisor`]: the lifecycle of a container's process. [`platform`]: SageMaker's work around containers:
//!   CreateModel's JSON, artifacts, the environment of containers.
//! - [`model`]: the models that a container can load, and one invocation: request body in, response body out.
//!   [`storage`]: local files and objects in S3.
//! - [`mod@error`] (the error table), [`mod@env`] (the environment), [`signals`] (SIGTERM, SIGINT, SIGHUP),
//!   [`telemetry`] (logs, metrics), [`http`] (the server, TLS, response bodies with a deadline), [`leased_bytes`]
//!   (bodies whose memory is leased as they arrive), [`temporary_folder`] (folders that the next process removes if
//!   theirs was killed).
//! - Separate packages, without HTTP and async: [`byoc_sklearn`], [`byoc_linear_learner`], and [`byoc_formats`]
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

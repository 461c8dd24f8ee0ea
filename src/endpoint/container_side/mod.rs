//! The container side of an endpoint: starts and calls containers as SageMaker does.
//!
//! `launcher` starts the containers of a variant: each with the environment that SageMaker would set
//! ([`crate::platform::environment`]), under a supervisor that restarts it when it exits ([`crate::supervisor`]).
//! `pipeline` sends a request through the containers, and `exchange` sends it to one of them. `model_cache` loads the
//! model of a request from `model_store` into a multi-model container; `single_model` is the model of any other
//! container. Errors are [`InvocationError`]s, in terms of containers and models; `client_side` converts them to AWS's
//! errors.

mod arrival;
mod change_watch;
mod container;
mod error;
mod exchange;
mod launcher;
mod limits;
mod model_cache;
mod model_store;
mod partial_artifact;
mod pipeline;
mod settings;
mod single_model;
mod target_model;

pub use change_watch::ModelRefresh;
pub use container::Container;
pub use error::{ContainerError, InvocationError};
pub use exchange::{StreamBreak, StreamedResponse};
pub use launcher::{ContainerLauncher, RunningPipeline, stop_all};
pub use limits::InvocationLimits;
pub use model_cache::{CacheSettings, ModelCache};
pub use model_store::{ModelFolder, ModelStore};
pub use pipeline::{Invocation, Pipeline, PipelineResponse};
pub use settings::ContainerSettings;
pub use target_model::TargetModel;

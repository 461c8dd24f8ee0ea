//! The side that containers see: SageMaker as a container knows it.
//!
//! From the outside in: `pipeline` takes a request through the containers and
//! `exchange` asks one of them; `model_cache` has a multi-model container load
//! what a request asks for, from `model_store`; `single_model` is the model of any other container. Before that, `start` brings containers up: `process` runs one as a child
//! process with the `environment` that the platform would give it, `readiness` waits for its health check, and `instance`
//! looks after it from then on. What goes
//! wrong is a [`InvocationError`], in terms of containers and models: what clients are told about it is not decided here.

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
mod supervisor;
mod target_model;

pub use container::Container;
pub use error::{ContainerError, InvocationError};
pub use exchange::{StreamBreak, StreamedResponse};
pub use launcher::{ContainerLauncher, RunningPipeline, stop_all};
pub use limits::InvocationLimits;
pub use model_cache::{CacheSettings, ModelCache, ModelRefresh};
pub use model_store::{ModelFolder, ModelStore};
pub use pipeline::{Invocation, Pipeline, PipelineResponse};
pub use settings::ContainerSettings;
pub use supervisor::Supervisor;
pub use target_model::TargetModel;

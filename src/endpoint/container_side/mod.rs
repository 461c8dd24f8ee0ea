//! The side that containers see: SageMaker as a container knows it.
//!
//! `launcher` starts the containers of a variant: each with the environment that the platform would give it
//! ([`crate::platform::environment`]), under a supervisor that starts it again when it ends ([`crate::supervisor`]).
//! `pipeline` takes a request through the containers, and `exchange` sends it to one of them. `model_cache` has a multi-model
//! container load the model that a request asks for, from `model_store`; `single_model` is the model of any other container.
//! What goes wrong is an [`InvocationError`], in terms of containers and models: `client_side` decides what clients are told.

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

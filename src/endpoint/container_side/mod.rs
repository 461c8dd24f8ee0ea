//! The side that containers see: SageMaker as a container knows it.
//!
//! From the outside in: `pipeline` takes a request through the containers; `model_cache` has a multi-model container load
//! what a request asks for, from `model_store`; `process` starts containers as child processes and `readiness` waits for
//! them. What goes wrong is a [`Failure`], in terms of containers and models: what clients are told about it is not
//! decided here.

mod container;
mod failure;
mod http;
mod model_cache;
mod model_store;
mod pipeline;
mod process;
mod readiness;
mod target_model;

#[cfg(test)]
mod fake_container;

pub use container::{Container, Health};
pub use failure::{ContainerFailure, Failure};
pub use http::client;
pub use model_cache::ModelCache;
pub use model_store::{ModelFolder, ModelStore, unpack_model};
pub use pipeline::{Answer, Call, Pipeline};
pub use process::Process;
pub use readiness::wait_until_ready;
pub use target_model::TargetModel;

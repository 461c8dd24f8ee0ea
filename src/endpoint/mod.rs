//! The local endpoint: SageMaker's InvokeEndpoint on one machine, around containers that speak the hosting contract.
//!
//! [`client_side`] is the clients' interface: the runtime API, its headers and its errors. [`container_side`] handles
//! containers: how they are started, the pipeline through them, and the models that are loaded into a multi-model
//! container. [`config`] reads the configuration of both: CreateModel's or CreateEndpointConfig's JSON.
//!
//! The endpoint talks to containers over HTTP only. It does not know what a container computes, and does not use
//! [`crate::container`].

pub mod client_side;
pub mod config;
pub mod container_side;
mod deployment;
mod example_commands;
mod identity;
mod limits;
mod run;

pub use container_side::{CacheSettings, ContainerSettings, InvocationLimits, ModelRefresh};
pub use identity::Identity;
pub use limits::Limits;
pub use run::{Settings, run};

//! What SageMaker's platform does around containers, whatever for: the endpoint and batch transform both stand on it.
//!
//! [`create_model`] is what containers are asked for, [`fetch`] gets a model's artifact, [`environment`] is what a container
//! starts with, [`process`] runs it as a child, [`readiness`] waits for its health check, [`http`] is how it is spoken to.
//! This room must not know what a request is for, who asks, or what a container computes.

pub mod create_model;
pub mod disk;
pub mod environment;
pub mod fetch;
mod health;
pub mod http;
pub(crate) mod problems;
pub mod process;
pub mod readiness;

pub use health::Health;

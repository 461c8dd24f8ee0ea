//! What SageMaker's platform does around containers, for the endpoint and for batch transform alike.
//!
//! [`create_model`] describes the containers of a model, [`fetch`] gets a model's artifact within a disk budget,
//! [`environment`] is what a container starts with, [`http`] talks to it. How a container is started and kept running
//! is [`crate::supervisor`]'s. Nothing here knows what a request is for, who sends it, or what a container computes.

pub mod batch_strategy;
pub mod create_model;
pub mod environment;
pub mod fetch;
pub mod http;
pub(crate) mod problems;

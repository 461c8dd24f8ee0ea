//! What SageMaker's platform does around containers, for endpoints and batch transform jobs.
//!
//! [`create_model`] describes the containers of a model, [`fetch`] downloads and unpacks a model's artifact within a
//! disk budget, [`environment`] has the variables of a container's environment, and [`http`] is the client for
//! containers. [`crate::supervisor`] starts containers and keeps them running.

pub mod batch_strategy;
pub mod create_model;
pub mod environment;
pub mod fetch;
pub mod http;
pub(crate) mod problems;

//! The hosting contract: what SageMaker expects from `docker run IMAGE serve`.
//!
//! A container serves `/ping`, `/invocations`, `/execution-parameters`, `/metrics` and, in multi-model mode, `/models…`
//! on one port. This module is about HTTP, memory accounting and the process; [`crate::model`] loads models and
//! computes their answers.

pub mod accounts;
pub mod app;
mod background;
mod batch_invocations;
mod body;
pub mod config;
mod counters;
mod inline;
mod load;
mod loader;
pub mod models_root;
mod query;
pub mod registry;
mod reply;
mod request_id;
mod respond;
mod routes;
mod server;
pub mod services;
mod single_model;
pub mod workers;

pub use config::{Batch, Config, Mode};
pub use server::run;

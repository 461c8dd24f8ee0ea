//! The integration tests: the real program, started on a free port and spoken to over HTTP.
//!
//! One binary for all of them, since linking is what costs. What a test needs lies in `tests/fixtures`, whose README says
//! where each file comes from.

#![allow(unreachable_pub, reason = "a test binary has no users")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking and shows what it printed")]

mod column_types;
mod command_line;
mod docker_build;
mod documentation;
mod endpoint_limits;
mod housing_example;
mod housing_training;
mod inspect;
mod label;
mod licenses;
mod loading;
mod media_types;
mod memory;
mod model_refresh;
mod model_server_words;
mod multi_model;
mod shutdown;
mod single_model;
mod stumbles;
mod support;
mod training;
mod transform;

//! The integration tests: they start the real program on a free port and talk to it over HTTP.
//!
//! They share one binary, because linking takes most of the build time. Their files are in `tests/fixtures`; the README
//! there names the source of each.

#![allow(unreachable_pub, reason = "a test binary has no users")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking and shows what it printed")]

mod column_types;
mod command_line;
mod docker_build;
mod documentation;
mod endpoint_limits;
mod housing_example;
mod housing_training;
mod imports;
mod inspect;
mod label;
mod licenses;
mod loading;
mod media_types;
mod memory;
mod model_refresh;
mod multi_model;
mod multi_model_server;
mod shutdown;
mod single_model;
mod support;
mod training;
mod transform;
mod user_mistakes;

//! Logs, metrics and progress.
//!
//! The modules set up and render the log and the metrics, and make untrusted text safe to print. They do not depend on
//! what is logged or counted.

pub mod logs;
pub mod metrics;
pub mod printable;
pub mod series;
pub mod stdout_error;
pub mod terminal;

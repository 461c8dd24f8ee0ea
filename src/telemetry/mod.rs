//! Logs and metrics: what the program says of itself while it runs.
//!
//! It sets up the recorders of logs and metrics, describes each series (`series`), and makes text from outside safe to
//! show (`printable`).

pub mod logs;
pub mod metrics;
pub mod printable;
pub mod series;

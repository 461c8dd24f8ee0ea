//! Logs and metrics: what the program says of itself while it runs.
//!
//! This room knows nothing of what is logged or counted; it sets up the two recorders and renders them, and says how text
//! from outside may be shown.

pub mod logs;
pub mod metrics;
pub mod printable;

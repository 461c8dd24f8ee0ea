//! Logs, metrics and progress: how the program reports what it does.
//!
//! The modules set up the log and the metrics recorder, render them, and make text from outside safe to print. They
//! know nothing of what is logged or counted.

pub mod logs;
pub mod metrics;
pub mod printable;
pub mod series;
pub mod terminal;

//! Hosting.

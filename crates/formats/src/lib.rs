//! byoc's formats: bytes to rows and values, and back.
//!
//! - [`payload`]: media types of requests and answers.
//! - [`artifact`]: files that models come in.
//! - [`json_text`]: JSON documents that people write.
//! - [`error`]: what is wrong with data, and where in it.

pub mod artifact;
pub mod error;
pub mod json_text;
pub mod near;
pub mod payload;
#[cfg(test)]
mod testing;

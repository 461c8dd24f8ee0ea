//! byoc's domain: bytes to rows, rows to features or scores, and back to bytes. With no HTTP and no async.
//!
//! From the top to the ground; a room uses only rooms below it:
//!
//! - [`scorer`]: scikit-learn's linear estimators, upon [`preprocessor`].
//! - [`preprocessor`]: scikit-learn's transformers. [`linear_learner`]: SageMaker's linear model.
//! - [`artifact`]: bytes to files and back.
//! - [`payload`]: media types.
//! - [`json_text`]: JSON documents that people write. [`error`]: the error table.
//!
//! It is a package of its own because the image's binary is built for speed here and for size
//! elsewhere: see the profile `image` in the workspace's `Cargo.toml`.

pub mod artifact;
pub mod error;
pub mod json_text;
pub mod linear_learner;
pub mod near;
pub mod payload;
pub mod preprocessor;
pub mod scorer;
#[cfg(test)]
mod testing;

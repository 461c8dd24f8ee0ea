//! byoc's scikit-learn: what its transformers and linear estimators compute, from pickles or fitted here.
//!
//! - [`preprocessor`]: transformers, read from a pickle and applied to columns.
//! - [`scorer`]: linear estimators, after the transformers of their Pipeline.
//! - `document`: `preprocessor.json`, as a specification and as what was fitted.
//! - `fit`: from a specification and rows to a fitted document.

mod document;
mod fit;
pub mod preprocessor;
pub mod scorer;
#[cfg(test)]
mod testing;

pub use document::{Document, Specification};
pub use fit::{Event, Rows, fit, moved};

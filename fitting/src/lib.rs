//! byoc's fitting: `preprocessor.json`, and what its transformers learn of rows, as scikit-learn's `fit` does.
//!
//! - `fit`: from a specification and rows to a fitted document.
//! - `document`: both documents, and the object that scikit-learn would have pickled.
//!
//! What is fitted is applied by [`byoc_domain::preprocessor`] as if it had been read from a pickle: this room has no
//! transformers of its own. It is a package of its own because it is built for size in the image, as the domain is not.

mod document;
mod fit;

pub use document::{Document, Specification};
pub use fit::{Event, Rows, fit, moved};

use byoc_domain::{artifact, error, json_text, near, payload, preprocessor};

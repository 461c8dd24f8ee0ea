//! scikit-learn's transformers and linear estimators, read from pickles or fitted here, and applied to columns.
//!
//! Folders; each imports only from those above it:
//!
//! - `columns`: columns with numpy's types, the categories of an encoder, and the cost of a column.
//! - `artifact`: attributes of pickled objects, and the bounds within which a model is built from them.
//! - `feature_names`: names of features, and fitted values as descriptions show them.
//! - `parameters`: parameters and fitted attributes in JSON and in Python.
//! - `statistics`: moments, quantiles and counts of columns, for fits.
//! - `estimators`: linear estimators.
//! - `transformers`: scikit-learn's transformers, one folder each.
//! - `allow_list`: the classes that a pickle may name.
//! - [`preprocessor`]: the transformers of a model with the layout of its requests.
//! - [`describe`]: the contents of a model, as data.
//! - [`scorer`]: an estimator with the transformers before it.
//! - `document`: `preprocessor.json`, as a specification and fitted.
//! - `fit`: from a specification and rows to a fitted document.

pub mod allow_list;
pub mod artifact;
pub mod columns;
pub mod describe;
mod document;
pub mod estimators;
pub mod feature_names;
mod fit;
pub mod method;
pub(crate) mod parameters;
pub mod preprocessor;
pub mod scorer;
pub(crate) mod statistics;
#[cfg(test)]
mod testing;
pub mod transformers;
pub(crate) mod version;

pub use document::{Document, Specification, is_specification};
pub use fit::{Event, Rows, fit};

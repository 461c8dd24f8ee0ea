//! `sklearn.model_selection.GridSearchCV` and `RandomizedSearchCV`: every method is one of the best estimator.
//!
//! The other attributes of a search are not read.

mod companions;
mod read;

pub(super) use read::Class;

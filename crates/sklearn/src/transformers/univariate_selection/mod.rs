//! `sklearn.feature_selection.SelectKBest` and the other selectors that score each feature on its own.

mod read;

pub(super) use read::Class;

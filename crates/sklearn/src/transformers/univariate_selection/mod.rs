//! `sklearn.feature_selection.SelectKBest` and the other selectors that score each feature separately.

mod read;

pub(super) use read::Class;

//! `sklearn.feature_selection.SequentialFeatureSelector`: keeps the features that were chosen one by one.

mod read;

pub(super) use read::Class;

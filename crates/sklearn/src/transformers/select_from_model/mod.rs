//! `sklearn.feature_selection.SelectFromModel`: keeps the features with large weights in a linear model.

mod read;

pub(super) use read::Class;

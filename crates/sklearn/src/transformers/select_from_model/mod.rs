//! `sklearn.feature_selection.SelectFromModel`: keeps the features to which a linear model gives weight.

mod read;

pub(super) use read::Class;

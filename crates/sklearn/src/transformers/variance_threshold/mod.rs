//! `sklearn.feature_selection.VarianceThreshold`: keeps the features whose variance is above a threshold.

mod read;

pub(super) use read::Class;

//! `sklearn.feature_selection.VarianceThreshold`: keeps the features whose variance is above a threshold.

mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::VarianceThreshold;

//! `sklearn.preprocessing.RobustScaler`: subtracts the median, divides by the range of quantiles.

mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::RobustScaler;

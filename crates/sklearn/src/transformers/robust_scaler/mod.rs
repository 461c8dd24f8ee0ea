//! `sklearn.preprocessing.RobustScaler`: subtracts the median, divides by the range of quantiles.

mod read;

pub(super) use read::Class;

//! `sklearn.preprocessing.StandardScaler`: subtracts the mean, divides by the standard deviation.

mod read;

pub(super) use read::Class;

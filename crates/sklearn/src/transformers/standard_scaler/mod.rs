//! `sklearn.preprocessing.StandardScaler`: subtracts the mean, divides by the standard deviation.

mod fit;
mod read;
mod write;

pub(super) use fit::standardize;
pub(super) use read::Class;
pub(super) use write::StandardScaler;

//! `sklearn.preprocessing.MaxAbsScaler`: divides by the largest magnitude seen at fit.

mod apply;
mod read;

pub(super) use read::Class;

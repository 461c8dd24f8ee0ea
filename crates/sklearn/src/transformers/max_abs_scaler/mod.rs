//! `sklearn.preprocessing.MaxAbsScaler`: divides by the largest magnitude seen at fit.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::MaxAbsScaler;

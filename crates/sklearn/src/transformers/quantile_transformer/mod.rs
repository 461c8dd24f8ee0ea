//! `sklearn.preprocessing.QuantileTransformer`: the fraction of values below each value, or the normal quantile of
//! that fraction.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::QuantileTransformer;

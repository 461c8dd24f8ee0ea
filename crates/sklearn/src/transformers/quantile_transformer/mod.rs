//! `sklearn.preprocessing.QuantileTransformer`: the share of values below each value, or the normal variable of that
//! share.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::QuantileTransformer;

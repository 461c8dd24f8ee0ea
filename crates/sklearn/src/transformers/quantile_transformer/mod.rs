//! `sklearn.preprocessing.QuantileTransformer`: the share of values below each value, or the normal variable of that
//! share.

mod apply;
mod read;

pub(super) use read::Class;

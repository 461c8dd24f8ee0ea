//! `sklearn.preprocessing.FunctionTransformer`: nothing, or one of numpy's elementary functions.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::{FunctionTransformer, identity};

//! `sklearn.preprocessing.FunctionTransformer`: nothing, or one of numpy's elementary functions.

mod apply;
mod read;

pub(super) use read::Class;

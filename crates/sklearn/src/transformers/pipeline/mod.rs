//! `sklearn.pipeline.Pipeline`: transformers one after the other.

mod read;

pub(super) use read::Class;

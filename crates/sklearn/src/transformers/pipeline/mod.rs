//! `sklearn.pipeline.Pipeline`: transformers one after the other.

mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::Pipeline;

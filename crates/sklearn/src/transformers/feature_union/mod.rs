//! `sklearn.pipeline.FeatureUnion`: transformers side by side, each applied to all columns.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::FeatureUnion;

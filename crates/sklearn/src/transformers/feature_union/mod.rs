//! `sklearn.pipeline.FeatureUnion`: transformers side by side, each given all columns.

mod apply;
mod read;

pub(super) use read::Class;

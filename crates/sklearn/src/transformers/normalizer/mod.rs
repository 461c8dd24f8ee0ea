//! `sklearn.preprocessing.Normalizer`: scales each row to norm 1.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::Normalizer;

//! `sklearn.preprocessing.Binarizer`: 1 above a threshold, 0 up to it.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::Binarizer;

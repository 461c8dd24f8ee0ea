//! `sklearn.preprocessing.Binarizer`: 1 above a threshold, 0 up to it.

mod apply;
mod read;

pub(super) use read::Class;

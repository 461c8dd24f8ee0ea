//! `sklearn.preprocessing.Normalizer`: scales each row to norm 1.

mod apply;
mod read;

pub(super) use read::Class;

//! `sklearn.preprocessing.OneHotEncoder`: a column of 0 and 1 for each category.
//!
//! `sparse_output` has no effect here: answers are dense, with the numbers of the sparse matrix.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::{OneHotEncoder, OneHotEncoderFit};

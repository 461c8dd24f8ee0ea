//! `sklearn.preprocessing.OneHotEncoder`: a column of 0 and 1 for each category.
//!
//! `sparse_output` does not matter here: answers are dense, with the numbers that the sparse matrix stands for.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::{OneHotEncoder, OneHotEncoderFit};

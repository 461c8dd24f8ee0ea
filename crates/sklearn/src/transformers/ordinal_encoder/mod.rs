//! `sklearn.preprocessing.OrdinalEncoder`: the number of each category.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::OrdinalEncoder;

//! `sklearn.preprocessing.OrdinalEncoder`: the number of each category.

mod apply;
mod read;

pub(super) use read::Class;

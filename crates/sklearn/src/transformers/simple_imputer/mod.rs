//! `sklearn.impute.SimpleImputer`: fills missing values with what was learned at fit, and may say where they were.

mod apply;
mod read;

pub(super) use read::Class;

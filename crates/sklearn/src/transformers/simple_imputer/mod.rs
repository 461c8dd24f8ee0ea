//! `sklearn.impute.SimpleImputer`: fills missing values with what was learned at fit, and may say where they were.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::SimpleImputer;

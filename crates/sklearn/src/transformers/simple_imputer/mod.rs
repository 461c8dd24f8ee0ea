//! `sklearn.impute.SimpleImputer`: replaces missing values by learned ones, optionally with indicator columns.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::SimpleImputer;

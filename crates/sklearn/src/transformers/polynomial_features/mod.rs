//! `sklearn.preprocessing.PolynomialFeatures`: products of features up to a degree.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::PolynomialFeatures;

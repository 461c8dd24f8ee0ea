//! `sklearn.preprocessing.PolynomialFeatures`: products of features up to a degree.

mod apply;
mod read;

pub(super) use read::Class;

//! `sklearn.preprocessing.MinMaxScaler`: maps the range seen at fit to `feature_range`.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::MinMaxScaler;

//! `sklearn.preprocessing.MinMaxScaler`: maps the range seen at fit to `feature_range`.

mod apply;
mod read;

pub(super) use read::Class;

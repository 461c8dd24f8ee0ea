//! `sklearn.preprocessing.KBinsDiscretizer`: the number of the bin of each value, or a column for each bin.

mod apply;
mod read;

pub(super) use read::Class;

//! `sklearn.preprocessing.KBinsDiscretizer`: the number of the bin of each value, or a column for each bin.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::KBinsDiscretizer;

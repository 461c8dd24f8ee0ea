//! `sklearn.preprocessing.TargetEncoder` (1.3): the mean target of each category, once for each class of a multiclass
//! target.

mod apply;
mod read;

pub(super) use read::Class;

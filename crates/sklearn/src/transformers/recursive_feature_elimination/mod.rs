//! `sklearn.feature_selection.RFE` and `RFECV`: keep the features that were eliminated last.

mod read;

pub(super) use read::Class;

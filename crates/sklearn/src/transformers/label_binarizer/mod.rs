//! `sklearn.preprocessing.LabelBinarizer`: a column of marks for each class of one column of labels.

mod apply;
mod read;

pub(super) use read::Class;

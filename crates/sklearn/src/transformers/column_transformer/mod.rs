//! `sklearn.compose.ColumnTransformer`: transformers side by side, each given some of the columns.

mod apply;
mod read;
mod selection;
mod unrecorded;

pub(super) use read::Class;

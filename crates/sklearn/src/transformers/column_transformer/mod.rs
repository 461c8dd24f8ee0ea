//! `sklearn.compose.ColumnTransformer`: transformers side by side, each applied to some of the columns.

mod apply;
mod fit;
mod listed_names;
mod read;
mod selection;
mod unrecorded;
mod write;

pub(super) use read::Class;
pub(super) use write::ColumnTransformer;

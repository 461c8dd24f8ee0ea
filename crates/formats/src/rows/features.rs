//! The answer of a preprocessor: the features of each row, and the label if the rows came with one.

use crate::rows::table::{Column, Table};

/// Features, and perhaps labels, as columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Features<'a> {
    /// The label of each row.
    pub label: Option<Column<'a>>,
    /// The features.
    pub table: Table<'a>,
    /// For each feature the name of the request's column that it comes from, if it comes from one column with a name.
    pub sources: Vec<Option<&'a str>>,
}

impl<'a> Features<'a> {
    /// The label, if there is one, then the features: the order of all media types but recordio-protobuf.
    pub fn into_table(self) -> Table<'a> {
        let Features { label, mut table, .. } = self;
        if let Some(label) = label {
            table.columns.insert(0, label);
        }
        table
    }
}

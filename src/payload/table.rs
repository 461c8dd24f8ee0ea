//! A table as pandas would hold it: columns, each with one type for all its rows.
//!
//! It is what the preprocessor takes (from a request) and what it gives (to a response). Columns borrow their text from
//! the request body, or from the model that filled a gap.

use std::borrow::Cow;

use super::{MediaType, csv, json, jsonlines};
use crate::error::{Error, Result};

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'a> {
    /// How many rows each column has.
    pub rows: usize,
    /// The columns, in order.
    pub columns: Vec<Column<'a>>,
}

/// One column. The type is the column's, decided over all its rows as `pandas.read_csv` does (`joblib.md` §4).
#[derive(Clone, Debug, PartialEq)]
pub enum Column<'a> {
    /// numpy `int64`.
    Int64(Vec<i64>),
    /// numpy `uint64`: what pandas makes of integers above 2^63 - 1.
    UInt64(Vec<u64>),
    /// numpy `float64`; a missing value is NaN.
    Float64(Vec<f64>),
    /// numpy `float32`.
    Float32(Vec<f32>),
    /// numpy `bool`.
    Bool(Vec<bool>),
    /// numpy `object`: text, or anything mixed.
    Object(Vec<Cell<'a>>),
}

/// One cell of an object column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// A missing value, as pandas reads one from text: the float NaN.
    Missing,
    /// Python's `None`, which no CSV gives but JSON does.
    None,
    /// Text.
    Text(Cow<'a, str>),
    /// A Python `bool`.
    Bool(bool),
    /// A Python `int`.
    Int(i64),
    /// A Python `float` that is not NaN.
    Float(f64),
}

impl<'a> Table<'a> {
    /// The media types that a table is read from.
    pub const READABLE: &'static [MediaType] = &[MediaType::Csv, MediaType::Json, MediaType::JsonLines];

    /// The media types that a table is written as.
    pub const WRITABLE: &'static [MediaType] = Table::READABLE;

    /// Reads a body. `check_width` is asked as soon as it is known how many columns the first row has, so that a row that
    /// is far too wide takes no memory.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the row, the column where there is one, and the byte.
    pub fn read(media_type: MediaType, body: &'a [u8], check_width: &dyn Fn(usize) -> Result<()>) -> Result<Table<'a>> {
        Table::read_piece(media_type, body, None, check_width)
    }

    /// Reads a piece of a body whose earlier rows had so many columns.
    ///
    /// # Errors
    /// Those of [`Table::read`]; and for rows of JSON that have another number of columns.
    pub fn read_piece(
        media_type: MediaType,
        body: &'a [u8],
        columns: Option<usize>,
        check_width: &dyn Fn(usize) -> Result<()>,
    ) -> Result<Table<'a>> {
        let check_width = &|found| match columns {
            Some(columns) if columns != found => {
                Err(Error::bad_payload(format!("expected {columns} columns as in the rows before, found {found}")))
            }
            _ => check_width(found),
        };
        match media_type {
            MediaType::Csv => csv::read_piece(body, columns, check_width),
            MediaType::Json => json::read_table(body, check_width),
            MediaType::JsonLines => jsonlines::read_table(body, check_width),
        }
    }

    /// Appends the table as a body.
    pub fn write(&self, media_type: MediaType, out: &mut Vec<u8>) {
        match media_type {
            MediaType::Csv => csv::write(self, out),
            MediaType::Json => json::write_table(self, out),
            MediaType::JsonLines => jsonlines::write_table(self, out),
        }
    }
}

impl Column<'_> {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Int64(values) => values.len(),
            Column::UInt64(values) => values.len(),
            Column::Float64(values) => values.len(),
            Column::Float32(values) => values.len(),
            Column::Bool(values) => values.len(),
            Column::Object(cells) => cells.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// numpy's name of the type.
    pub fn dtype(&self) -> &'static str {
        match self {
            Column::Int64(_) => "int64",
            Column::UInt64(_) => "uint64",
            Column::Float64(_) => "float64",
            Column::Float32(_) => "float32",
            Column::Bool(_) => "bool",
            Column::Object(_) => "object",
        }
    }
}

//! A table as pandas would hold it: columns, each with one type for all its rows.
//!
//! It is what a preprocessor takes (a block of a request's rows, see [`crate::rows::frame`]) and what it gives (to a response). Columns borrow their text from
//! the request body, or from the model that filled a gap.

use byoc_account::{Allowance, Exceeded, Room as _};
use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, Place, Result};
use crate::media_types::{ContentType, MediaType, csv};
use crate::rows::reading::Reading;

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

/// What the values of a column are, as far as transformers tell them apart: integers and fractions are compared alike, a number
/// and its text are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Integers or fractions.
    Numbers,
    /// Text, also beside other values.
    Text,
    /// `True` and `False`.
    Truths,
}

impl ValueKind {
    /// That of a column; none where it has no value.
    pub fn of(column: &Column<'_>) -> Option<ValueKind> {
        match column {
            Column::Int64(_) | Column::UInt64(_) => Some(ValueKind::Numbers).filter(|_| !column.is_empty()),
            Column::Float64(values) => values.iter().any(|value| !value.is_nan()).then_some(ValueKind::Numbers),
            Column::Float32(values) => values.iter().any(|value| !value.is_nan()).then_some(ValueKind::Numbers),
            Column::Bool(_) => Some(ValueKind::Truths).filter(|_| !column.is_empty()),
            Column::Object(cells) => {
                let kinds = cells.iter().filter_map(|cell| match cell {
                    Cell::Missing | Cell::None => None,
                    Cell::Text(_) => Some(ValueKind::Text),
                    Cell::Bool(_) => Some(ValueKind::Truths),
                    Cell::Int(_) | Cell::Float(_) => Some(ValueKind::Numbers),
                });
                kinds.reduce(|one, other| if one == ValueKind::Text { one } else { other })
            }
        }
    }
}

impl std::fmt::Display for ValueKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ValueKind::Numbers => "numbers",
            ValueKind::Text => "text",
            ValueKind::Truths => "truths",
        })
    }
}

/// What a model says of its columns before a body is read: how many there are, so that a row that is far too wide takes no
/// memory, and by which names a JSON object may give them.
pub trait Schema {
    /// Whether the model takes rows of so many columns. Asked as soon as it is known how many the first row has.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with what was expected.
    fn check_width(&self, columns: usize) -> Result<()>;

    /// The names of the columns of a row that has all of them, its label too; none when they have no names.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether the model looks at the column of a name at all: rows that name their values may leave out all others.
    fn uses(&self, _name: &str) -> bool {
        true
    }

    /// How many columns the rows had that came before the body, if it is a piece of a larger one.
    fn width_before(&self) -> Option<usize> {
        None
    }

    /// Which of the names is the label, that a row may come without.
    fn label(&self) -> Option<usize> {
        None
    }

    /// How the cells of a column are read, counted from 0 in a row of `width` columns.
    fn reading(&self, _column: usize, _width: usize) -> Reading {
        Reading::default()
    }

    /// At which end of a row a label stands that has no name, and that a row may come without.
    fn unnamed_label(&self) -> Option<End> {
        None
    }
}

/// An end of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Before all other columns.
    First,
    /// After all other columns.
    Last,
}

/// Columns without names.
impl<F: Fn(usize) -> Result<()>> Schema for F {
    fn check_width(&self, columns: usize) -> Result<()> {
        self(columns)
    }
}

impl Table<'_> {
    /// The byte at which the cell of a place begins, for a message about it. `None` for media types whose errors do not say
    /// it.
    pub fn byte_of(content_type: ContentType, body: &[u8], place: &Place) -> Option<usize> {
        let (row, column) = (place.row?, place.column?);
        match content_type.media_type {
            MediaType::Csv if content_type.has_header => {
                csv::byte_with_header(body, row, place.name.as_deref(), column)
            }
            MediaType::Csv => csv::byte_of(body, row, column),
            _ => None,
        }
    }

    /// What more there is to say of an error in a body of such columns.
    pub fn advice(content_type: ContentType, body: &[u8], schema: &dyn Schema) -> Option<&'static str> {
        let is_plain_csv = content_type.media_type == MediaType::Csv && !content_type.has_header;
        if is_plain_csv { csv::header_advice(body, &schema.names()) } else { None }
    }
}

/// The error for a row that leaves out its zeros, where columns are no mere numbers.
pub(crate) fn sparse_row() -> Error {
    Error::bad_payload("expected a value for each column, found a sparse row: only numeric models read those")
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

    /// Some of the rows.
    pub(crate) fn part(&self, rows: Range<usize>) -> Column<'_> {
        fn of<T: Copy>(values: &[T], rows: Range<usize>) -> Vec<T> {
            values.get(rows).unwrap_or_default().to_vec()
        }
        match self {
            Column::Int64(values) => Column::Int64(of(values, rows)),
            Column::UInt64(values) => Column::UInt64(of(values, rows)),
            Column::Float64(values) => Column::Float64(of(values, rows)),
            Column::Float32(values) => Column::Float32(of(values, rows)),
            Column::Bool(values) => Column::Bool(of(values, rows)),
            Column::Object(cells) => {
                Column::Object(cells.get(rows).unwrap_or_default().iter().map(Cell::borrowed).collect())
            }
        }
    }

    pub(crate) fn into_owned(self) -> Column<'static> {
        match self {
            Column::Int64(values) => Column::Int64(values),
            Column::UInt64(values) => Column::UInt64(values),
            Column::Float64(values) => Column::Float64(values),
            Column::Float32(values) => Column::Float32(values),
            Column::Bool(values) => Column::Bool(values),
            Column::Object(cells) => Column::Object(cells.into_iter().map(Cell::into_owned).collect()),
        }
    }

    /// Makes room for more values, which is leased first.
    pub(crate) fn make_room(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        match self {
            Column::Int64(values) => values.make_room(more, allowance),
            Column::UInt64(values) => values.make_room(more, allowance),
            Column::Float64(values) => values.make_room(more, allowance),
            Column::Float32(values) => values.make_room(more, allowance),
            Column::Bool(values) => values.make_room(more, allowance),
            Column::Object(cells) => cells.make_room(more, allowance),
        }
    }

    /// The bytes that it has room for, without the text of objects.
    pub(crate) fn capacity_in_bytes(&self) -> usize {
        match self {
            Column::Int64(values) => values.capacity() * size_of::<i64>(),
            Column::UInt64(values) => values.capacity() * size_of::<u64>(),
            Column::Float64(values) => values.capacity() * size_of::<f64>(),
            Column::Float32(values) => values.capacity() * size_of::<f32>(),
            Column::Bool(values) => values.capacity(),
            Column::Object(cells) => cells.capacity() * size_of::<Cell<'_>>(),
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

impl Cell<'_> {
    /// The same cell with this one's text.
    fn borrowed(&self) -> Cell<'_> {
        match self {
            Cell::Missing => Cell::Missing,
            Cell::None => Cell::None,
            Cell::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Cell::Bool(value) => Cell::Bool(*value),
            Cell::Int(value) => Cell::Int(*value),
            Cell::Float(value) => Cell::Float(*value),
        }
    }

    fn into_owned(self) -> Cell<'static> {
        match self {
            Cell::Missing => Cell::Missing,
            Cell::None => Cell::None,
            Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Cell::Bool(value) => Cell::Bool(value),
            Cell::Int(value) => Cell::Int(value),
            Cell::Float(value) => Cell::Float(value),
        }
    }
}

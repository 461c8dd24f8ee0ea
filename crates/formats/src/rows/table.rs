//! A table as pandas holds it: columns, each with one dtype for all its rows.
//!
//! A preprocessor reads tables (blocks of a request's rows, see [`crate::rows::frame`]) and produces tables. Columns
//! borrow their text from the request body, or from the model where an imputer filled in a value.

use byoc_account::{Allowance, Exceeded, LeasedGrowth as _};
use std::borrow::Cow;
use std::ops::Range;

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'a> {
    /// The number of rows of each column.
    pub rows: usize,
    /// The columns, in order.
    pub columns: Vec<Column<'a>>,
}

/// One column. Its dtype is decided over all its rows, as in `pandas.read_csv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Column<'a> {
    /// numpy `int64`.
    Int64(Vec<i64>),
    /// numpy `uint64`, which pandas uses for integers above 2^63 - 1.
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
    /// Python's `None`, which comes from JSON and never from CSV.
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

/// The kinds of values that transformers distinguish: integers and fractions compare alike, a number and its text do
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Integers or fractions.
    Numbers,
    /// Text, possibly with other values.
    Text,
    /// `True` and `False`.
    Booleans,
}

impl ValueKind {
    /// The kind of a column's values; `None` if all are missing.
    pub fn of(column: &Column<'_>) -> Option<ValueKind> {
        match column {
            Column::Int64(_) | Column::UInt64(_) => Some(ValueKind::Numbers).filter(|_| !column.is_empty()),
            Column::Float64(values) => values.iter().any(|value| !value.is_nan()).then_some(ValueKind::Numbers),
            Column::Float32(values) => values.iter().any(|value| !value.is_nan()).then_some(ValueKind::Numbers),
            Column::Bool(_) => Some(ValueKind::Booleans).filter(|_| !column.is_empty()),
            Column::Object(cells) => {
                let kinds = cells.iter().filter_map(|cell| match cell {
                    Cell::Missing | Cell::None => None,
                    Cell::Text(_) => Some(ValueKind::Text),
                    Cell::Bool(_) => Some(ValueKind::Booleans),
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
            ValueKind::Booleans => "booleans",
        })
    }
}

impl Column<'_> {
    /// The number of rows.
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

    /// A copy of some rows; text is borrowed.
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

    /// Takes the memory of `more` values from the allowance, then reserves capacity for them.
    pub(crate) fn reserve_leased(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        match self {
            Column::Int64(values) => values.reserve_leased(more, allowance),
            Column::UInt64(values) => values.reserve_leased(more, allowance),
            Column::Float64(values) => values.reserve_leased(more, allowance),
            Column::Float32(values) => values.reserve_leased(more, allowance),
            Column::Bool(values) => values.reserve_leased(more, allowance),
            Column::Object(cells) => cells.reserve_leased(more, allowance),
        }
    }

    /// The allocated bytes, without the text of objects.
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

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// numpy's name of the dtype.
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
    /// A copy that borrows the text.
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

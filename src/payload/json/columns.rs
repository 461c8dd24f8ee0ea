//! JSON rows into typed columns, as pandas types a list of lists of Python values.

use super::instance::{Rows, Scalar};
use crate::error::{Error, Place, Result};
use crate::payload::table::{Cell, Column, Table};

/// Columns that grow row by row and widen their type when a value asks for it.
///
/// Integers make `int64` (`uint64` above its range), a fraction or a `null` among numbers makes `float64` with NaN for the
/// `null`, booleans alone make `bool`, and anything else makes `object`.
pub(in crate::payload) struct Columns<'a, 'c> {
    check_width: &'c dyn Fn(usize) -> Result<()>,
    columns: Vec<Column<'a>>,
    rows: usize,
    /// How many values the open row has so far.
    open: usize,
}

/// How many columns are taken on trust before the first row has ended.
const UNCHECKED: usize = 4096;

impl<'a, 'c> Columns<'a, 'c> {
    /// No columns yet; `check_width` is asked at the end of the first row, or when it has grown suspiciously long.
    pub(in crate::payload) fn new(check_width: &'c dyn Fn(usize) -> Result<()>) -> Columns<'a, 'c> {
        Columns { check_width, columns: Vec::new(), rows: 0, open: 0 }
    }

    /// The table that was read.
    pub(in crate::payload) fn finish(self) -> Table<'a> {
        Table { rows: self.rows, columns: self.columns }
    }
}

impl<'de> Rows<'de> for Columns<'de, '_> {
    fn value(&mut self, value: Scalar<'de>) -> Result<()> {
        match self.columns.get_mut(self.open) {
            Some(column) => push(column, value),
            None if self.rows == 0 => {
                if self.open >= UNCHECKED {
                    (self.check_width)(self.open + 1)
                        .map_err(|error| error.context(format!("a row of more than {UNCHECKED} columns")))?;
                }
                self.columns.push(first(value));
            }
            // Too many: counted here, refused at the end of the row.
            None => {}
        }
        self.open += 1;
        Ok(())
    }

    fn key(&mut self, _key: u64) -> Result<()> {
        Err(sparse())
    }

    fn end_dense(&mut self) -> Result<()> {
        if self.rows == 0 {
            (self.check_width)(self.open)?;
        }
        self.rows += 1;
        let (expected, found) = (self.columns.len(), self.open);
        if expected != found {
            return Err(Error::bad_payload(format!("expected {expected} features as in row 1, found {found}"))
                .at(Place::row(self.rows)));
        }
        self.open = 0;
        Ok(())
    }

    fn end_sparse(&mut self, _shape: Option<u64>) -> Result<()> {
        Err(sparse())
    }
}

fn sparse() -> Error {
    Error::bad_payload("expected a value for each column, found a sparse row: only numeric models read those")
}

fn first(value: Scalar<'_>) -> Column<'_> {
    match value {
        Scalar::Int(value) => Column::Int64(vec![value]),
        Scalar::UInt(value) => Column::UInt64(vec![value]),
        Scalar::Float(value) => Column::Float64(vec![value]),
        Scalar::Bool(value) => Column::Bool(vec![value]),
        Scalar::Null | Scalar::Text(_) => Column::Object(vec![cell(value)]),
    }
}

fn push<'a>(column: &mut Column<'a>, value: Scalar<'a>) {
    match (&mut *column, value) {
        (Column::Int64(values), Scalar::Int(value)) => values.push(value),
        (Column::UInt64(values), Scalar::UInt(value)) => values.push(value),
        (Column::UInt64(values), Scalar::Int(value)) if value >= 0 => values.push(value.unsigned_abs()),
        (Column::Float64(values), Scalar::Float(value)) => values.push(value),
        (Column::Float64(values), Scalar::Int(value)) => values.push(value as f64),
        (Column::Float64(values), Scalar::UInt(value)) => values.push(value as f64),
        (Column::Float64(values), Scalar::Null) => values.push(f64::NAN),
        (Column::Bool(values), Scalar::Bool(value)) => values.push(value),
        (Column::Object(cells), value @ (Scalar::Null | Scalar::Text(_))) => cells.push(cell(value)),
        (_, value) => {
            widen(column, &value);
            match (column, value) {
                (Column::Object(cells), value) => cells.push(cell(value)),
                (column, value) => push(column, value),
            }
        }
    }
}

/// Gives the column the narrowest type that also holds `value`, which its own type does not.
fn widen<'a>(column: &mut Column<'a>, value: &Scalar<'a>) {
    let numeric = matches!(value, Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) | Scalar::Null);
    *column = match std::mem::replace(column, Column::Object(Vec::new())) {
        Column::Int64(values) if matches!(value, Scalar::UInt(_)) && values.iter().all(|&value| value >= 0) => {
            Column::UInt64(values.into_iter().map(i64::unsigned_abs).collect())
        }
        Column::Int64(values) if numeric => Column::Float64(values.into_iter().map(|value| value as f64).collect()),
        Column::UInt64(values) if numeric => Column::Float64(values.into_iter().map(|value| value as f64).collect()),
        // Nothing but nulls so far; they take the type of the first value.
        Column::Object(cells) if numeric && cells.iter().all(|cell| *cell == Cell::None) => {
            Column::Float64(vec![f64::NAN; cells.len()])
        }
        Column::Int64(values) => Column::Object(values.into_iter().map(Cell::Int).collect()),
        Column::UInt64(values) => Column::Object(values.into_iter().map(|value| cell(Scalar::UInt(value))).collect()),
        // JSON has no NaN: each one here was a null.
        Column::Float64(values) => Column::Object(
            values.into_iter().map(|value| if value.is_nan() { Cell::None } else { Cell::Float(value) }).collect(),
        ),
        Column::Float32(values) => Column::Object(values.into_iter().map(|value| Cell::Float(value.into())).collect()),
        Column::Bool(values) => Column::Object(values.into_iter().map(Cell::Bool).collect()),
        column @ Column::Object(_) => column,
    };
}

fn cell(value: Scalar<'_>) -> Cell<'_> {
    match value {
        Scalar::Null => Cell::None,
        Scalar::Bool(value) => Cell::Bool(value),
        Scalar::Int(value) => Cell::Int(value),
        Scalar::UInt(value) => i64::try_from(value).map_or(Cell::Float(value as f64), Cell::Int),
        Scalar::Float(value) => Cell::Float(value),
        Scalar::Text(text) => Cell::Text(text),
    }
}

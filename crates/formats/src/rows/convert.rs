//! Converts a column to a given dtype, or refuses to, as `pandas.read_csv(dtype=…)` does
//! (`tests/fixtures/pandas/dtypes.csv` has the answers of pandas).
//!
//! pandas infers the dtype of a column first, and converts the column if nothing is lost. A value from JSON or from an
//! array counts as the cell that it is written as: the number 10115 is the text `10115`, true is `True`.

use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::numbers::parse::{parse_f64, parse_i64};
use crate::numbers::print::write_f64;
use crate::rows::reading::ReadAs;
use crate::rows::series::Series;
use crate::rows::table::{Cell, Column};
use byoc_account::Allowance;
use std::borrow::Cow;

/// The first cell that cannot be converted; its row counts from 0.
pub(crate) struct Refused {
    pub(crate) row: usize,
    pub(crate) error: Error,
}

/// Converts a column. `number` is its index in a row, for messages.
///
/// # Errors
/// When the allowance has no memory for it.
pub(crate) fn convert<'a>(
    column: Column<'a>,
    dtype: ReadAs,
    number: usize,
    allowance: &Allowance,
) -> Result<Result<Column<'a>, Refused>> {
    let before = column.capacity_in_bytes();
    let rows = column.len();
    let is_text = |cell: &Cell<'_>| matches!(cell, Cell::Text(_) | Cell::Missing | Cell::None);
    let cell = match (dtype, &column) {
        (ReadAs::Str, Column::Object(cells)) if cells.iter().all(is_text) => return Ok(Ok(column)),
        (ReadAs::Str, _) => size_of::<Cell<'_>>(),
        (ReadAs::Float64, Column::Float64(_)) | (ReadAs::Int64, Column::Int64(_)) | (ReadAs::Bool, Column::Bool(_)) => {
            return Ok(Ok(column));
        }
        (ReadAs::Float64, _) => size_of::<f64>(),
        (ReadAs::Int64, _) => size_of::<i64>(),
        (ReadAs::Bool, _) => size_of::<bool>(),
    };
    allowance.take(rows.saturating_mul(cell))?;
    let refused = |row, reason: Reason| Refused { row, error: reason.error(dtype, number, &column) };
    let cells = (0..rows).map(|row| (row, cell_of(&column, row)));
    let converted = match dtype {
        ReadAs::Str => {
            let mut texts = Vec::with_capacity(rows);
            for (_, cell) in cells {
                let text = text_of(cell);
                if let Cell::Text(Cow::Owned(text)) = &text {
                    allowance.take(text.capacity())?;
                }
                texts.push(text);
            }
            Ok(Column::Object(texts))
        }
        ReadAs::Float64 => {
            let values = cells.map(|(row, cell)| float_of(&cell).map_err(|reason| refused(row, reason)));
            values.collect::<Result<_, _>>().map(Column::Float64)
        }
        ReadAs::Int64 => {
            let values = cells.map(|(row, cell)| integer_of(&cell).map_err(|reason| refused(row, reason)));
            values.collect::<Result<_, _>>().map(Column::Int64)
        }
        ReadAs::Bool => {
            let values = cells.map(|(row, cell)| truth_of(&cell).map_err(|reason| refused(row, reason)));
            values.collect::<Result<_, _>>().map(Column::Bool)
        }
    };
    allowance.give_back(before);
    Ok(converted)
}

/// Converts a column of a frame with `rows` rows.
///
/// # Errors
/// When the allowance has no memory for it.
pub(crate) fn convert_series<'a>(
    series: Series<'a>,
    rows: usize,
    dtype: ReadAs,
    number: usize,
    allowance: &Allowance,
) -> Result<Result<Series<'a>, Refused>> {
    match series {
        Series::Dense(column) => Ok(convert(column, dtype, number, allowance)?.map(Series::Dense)),
        // Rows without a value are missing, and these dtypes have no missing values.
        Series::Sparse { rows: given, .. } if matches!(dtype, ReadAs::Int64 | ReadAs::Bool) => {
            let row = (0..rows).find(|row| given.get(*row).is_none_or(|given| *given as usize != *row));
            let nothing = Column::Object(Vec::new());
            Ok(Err(Refused { row: row.unwrap_or(0), error: Reason::Missing.error(dtype, number, &nothing) }))
        }
        Series::Sparse { rows: given, values } => Ok(match convert(values, dtype, number, allowance)? {
            Ok(values) => Ok(Series::Sparse { rows: given, values }),
            Err(Refused { row, error }) => Err(Refused { row: given.get(row).map_or(row, |row| *row as usize), error }),
        }),
    }
}

/// Why a cell cannot be converted.
enum Reason {
    Missing,
    /// The text that was found.
    Text(String),
    Number(String),
}

impl Reason {
    /// The error, with the message that pandas raises.
    fn error(self, dtype: ReadAs, number: usize, column: &Column<'_>) -> Error {
        match (self, dtype) {
            (Reason::Missing, ReadAs::Bool) => {
                dtype.refused("a missing value", format_args!("Bool column has NA values in column {number}"))
            }
            (Reason::Missing, _) => {
                dtype.refused("a missing value", format_args!("Integer column has NA values in column {number}"))
            }
            (Reason::Text(found), ReadAs::Float64) => {
                dtype.refused(&excerpt(found.as_bytes()), format_args!("could not convert string to float: '{found}'"))
            }
            (Reason::Text(found), ReadAs::Int64) => dtype
                .refused(&excerpt(found.as_bytes()), format_args!("invalid literal for int() with base 10: '{found}'")),
            (Reason::Text(found) | Reason::Number(found), _) => dtype.refused(
                &found,
                format_args!(
                    "cannot safely convert passed user dtype of {} for {} dtyped data in column {number}",
                    dtype.name(),
                    column.dtype()
                ),
            ),
        }
    }
}

/// A value of a column as a Python object.
fn cell_of<'a>(column: &Column<'a>, row: usize) -> Cell<'a> {
    let cell = match column {
        Column::Int64(values) => values.get(row).map(|value| Cell::Int(*value)),
        Column::UInt64(values) => values.get(row).map(|value| match i64::try_from(*value) {
            Ok(value) => Cell::Int(value),
            // No cell type holds an integer this large; as text it loses nothing.
            Err(_) => Cell::Text(Cow::Owned(value.to_string())),
        }),
        Column::Float64(values) => values.get(row).filter(|value| !value.is_nan()).map(|value| Cell::Float(*value)),
        Column::Float32(values) => {
            values.get(row).filter(|value| !value.is_nan()).map(|value| Cell::Float(f64::from(*value)))
        }
        Column::Bool(values) => values.get(row).map(|value| Cell::Bool(*value)),
        Column::Object(cells) => cells.get(row).cloned(),
    };
    cell.unwrap_or(Cell::Missing)
}

/// The text that Python prints for a value; a missing value stays missing.
pub(crate) fn text_of(cell: Cell<'_>) -> Cell<'_> {
    let text = match cell {
        Cell::Missing | Cell::None | Cell::Text(_) => return cell,
        Cell::Bool(value) => if value { "True" } else { "False" }.to_owned(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => {
            let mut text = Vec::new();
            write_f64(&mut text, value);
            String::from_utf8(text).unwrap_or_default()
        }
    };
    Cell::Text(Cow::Owned(text))
}

fn float_of(cell: &Cell<'_>) -> Result<f64, Reason> {
    match cell {
        Cell::Missing | Cell::None => Ok(f64::NAN),
        Cell::Text(text) => parse_f64(text.as_bytes()).ok_or_else(|| Reason::Text(text.clone().into_owned())),
        Cell::Bool(value) => Ok(f64::from(u8::from(*value))),
        Cell::Int(value) => Ok(*value as f64),
        Cell::Float(value) => Ok(*value),
    }
}

fn integer_of(cell: &Cell<'_>) -> Result<i64, Reason> {
    /// 2^63, the first float beyond `int64`.
    const END: f64 = 9_223_372_036_854_775_808.0;
    match cell {
        Cell::Missing | Cell::None => Err(Reason::Missing),
        Cell::Text(text) => parse_i64(text.as_bytes()).map_err(|_| match parse_f64(text.as_bytes()) {
            // A number, but too large.
            Some(_) => Reason::Number(text.clone().into_owned()),
            None => Reason::Text(text.clone().into_owned()),
        }),
        Cell::Bool(value) => Ok(i64::from(*value)),
        Cell::Int(value) => Ok(*value),
        Cell::Float(value) if value.fract() == 0.0 && (-END..END).contains(value) => Ok(*value as i64),
        Cell::Float(_) => Err(number(cell)),
    }
}

fn truth_of(cell: &Cell<'_>) -> Result<bool, Reason> {
    match cell {
        Cell::Missing | Cell::None => Err(Reason::Missing),
        Cell::Text(text) => Err(Reason::Text(excerpt(text.as_bytes()))),
        Cell::Bool(value) => Ok(*value),
        Cell::Int(value @ (0 | 1)) => Ok(*value == 1),
        Cell::Float(value) if *value == 0.0 || *value == 1.0 => Ok(*value == 1.0),
        Cell::Int(_) | Cell::Float(_) => Err(number(cell)),
    }
}

fn number(cell: &Cell<'_>) -> Reason {
    let text = text_of(cell.clone());
    Reason::Number(if let Cell::Text(text) = text { text.into_owned() } else { String::new() })
}

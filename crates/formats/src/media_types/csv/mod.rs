//! CSV: text to a [`Table`] as `pandas.read_csv(header=None)` reads it, and a table to text as
//! Python prints it.
//!
//! Reading goes in two steps: `fields` finds where each field lies, `column_type` gives each column the one type
//! that fits all its rows. The rules are those of pandas 3.1, the version whose float parser rounds correctly, but for
//! integers beyond 64 bits, which stay text as in pandas 2 (`joblib.md` §4).
//!
//! `records` reads what does not fit into memory: the same types, of text that comes in pieces.
//!
//! pandas types very large bodies in chunks of rows (`low_memory`), so that a column may hold integers in one chunk and
//! text in another, and warns of it (DtypeWarning). Here a column has one type over the whole body, whatever its size, as
//! with `low_memory=False`: whether a `1` is the category `"1"` must not depend on how many rows stand above it. A body that
//! is too large to be held comes in pieces ([`crate::media_types::pieces`]), and is as many bodies here.

mod column_type;
mod fields;
mod float_text;
mod header;
mod missing;
mod number;
mod records;
#[cfg(test)]
mod twin_test;
mod write;

pub(crate) use float_text::{write_f32, write_f64};
pub use header::{advice as header_advice, byte_with_header, read_with_header};
pub use missing::{MissingTexts, Pandas};
pub use records::{ColumnType, Records, Typing};
pub use write::write;

use crate::error::{Error, Place, Result};
use crate::rows::reading::cell_place;
use crate::rows::table::{Column, Schema, Table};
use byoc_account::Allowance;
use column_type::typed_column;
use fields::Fields;
use number::NotInteger;

/// The byte at which a field of a body begins, both counted from 1; `None` where the row ends before it. The body is gone
/// through again, so this is for messages.
pub fn byte_of(body: &[u8], row: usize, column: usize) -> Option<usize> {
    Fields::find(body, None, &|_| Ok(()), &Allowance::unbounded())
        .ok()?
        .start(row.checked_sub(1)?, column.checked_sub(1)?)
}

/// Reads a body without a header line, once the schema has agreed to how many columns its first row has.
///
/// # Errors
/// [`Cause::BadPayload`](crate::error::Cause::BadPayload) for a body that is not UTF-8 or has no row, a row longer than
/// the first, a quoted field that never ends, or a field that is not of the type that the schema says; with the row and the
/// byte.
pub fn read<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Table<'a>> {
    read_piece(body, None, schema, allowance)
}

/// Reads a piece of a body, whose first row had so many columns.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_piece<'a>(
    body: &'a [u8],
    width: Option<usize>,
    schema: &dyn Schema,
    allowance: &Allowance,
) -> Result<Table<'a>> {
    let fields = Fields::find(body, width, &|width| schema.check_width(width), allowance)?;
    allowance.take_items::<Column<'_>>(fields.width())?;
    let mut columns = Vec::with_capacity(fields.width());
    for column in 0..fields.width() {
        let read = typed_column(&fields, column, schema.reading(column, fields.width()), allowance);
        columns.push(read.map_err(|error| in_column(error, schema, column, fields.width()))?);
    }
    let table = Table { rows: fields.rows(), columns };
    fields.give_back(allowance);
    Ok(table)
}

/// The number that a text is to pandas.
pub(crate) fn float(text: &str) -> Option<f64> {
    number::parse_f64(text.as_bytes())
}

/// The `int64` that a text is to pandas.
pub(crate) fn integer(text: &str) -> Option<i64> {
    number::parse_i64(text.as_bytes()).ok()
}

/// What a text looks like to pandas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// An integer, however large, or a fraction.
    Number,
    /// `True` or `False`, in any case.
    Truth,
    /// Neither.
    Text,
}

impl Look {
    /// That of a text.
    pub fn of(text: &str) -> Look {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            Look::Truth
        } else if float(text).is_some() {
            Look::Number
        } else {
            Look::Text
        }
    }

    /// Whether what pandas makes of a text is written as the text itself again: `7`, `1.5` and `True` are, but of `007`,
    /// `+49`, `1.50` and `TRUE` a number or a truth keeps less.
    pub fn comes_back(text: &str) -> bool {
        match Look::of(text) {
            Look::Text => true,
            Look::Truth => matches!(text, "True" | "False"),
            Look::Number => match number::parse_i64(text.as_bytes()) {
                Ok(value) => value.to_string() == text,
                Err(NotInteger::Overflow) => match number::parse_u64(text.as_bytes()) {
                    Some(Ok(value)) => value.to_string() == text,
                    // Text by itself.
                    _ => true,
                },
                Err(NotInteger::Invalid) => {
                    let mut written = Vec::new();
                    float(text).into_iter().for_each(|value| write_f64(&mut written, value));
                    written == text.as_bytes()
                }
            },
        }
    }
}

/// An error of a field, with its column.
fn in_column(error: Error, schema: &dyn Schema, column: usize, width: usize) -> Error {
    match error.place().and_then(|place| place.row) {
        Some(row) => {
            let Place { column, name, .. } = cell_place(schema, row - 1, column, width);
            error.at(Place { column, name, ..Place::default() })
        }
        None => error,
    }
}

//! `text/csv`: columns as `pandas.read_csv(header=None)` reads them, `float32` rows for linear models (`numeric`), and
//! answers as Python prints them.
//!
//! Columns are read in two steps: `fields` finds each field, `column_type` gives each column the one dtype
//! that fits all its rows. The rules are those of pandas 3.1, whose float parser rounds correctly, except for integers
//! beyond 64 bits, which stay text as in pandas 2. `records` reads a file that does not fit into memory: the same
//! dtypes, from text in pieces.
//!
//! pandas infers the dtypes of very large bodies in chunks of rows (`low_memory`), so that a column may hold integers
//! in one chunk and text in another, and warns of it (DtypeWarning). Here a column has one dtype over the whole body,
//! as with `low_memory=False`: whether a `1` is the category `"1"` must not depend on the number of rows above it. A
//! body that is too large for memory is read in pieces ([`crate::media_types::pieces`]), each like a separate body.

mod column_type;
mod fields;
mod header;
mod numeric;
mod records;
mod text_kind;
#[cfg(test)]
mod twin_test;
mod write;

pub use records::{ColumnType, Records, Typing};
pub use text_kind::TextKind;

use crate::error::{Error, Place, Result};
use crate::media_types::format::{BlockPosition, CellSize, Format, ReadOptions};
use crate::media_types::pieces::Pieces;
use crate::media_types::prediction_style::PredictionStyle;
use crate::rows::schema::{Schema, cell_place};
use crate::rows::table::{Column, Table};
use crate::rows::{Batch, Features, Frame, Predictions};
use byoc_account::Allowance;
use column_type::typed_column;
use fields::Fields;
use numeric::Origin;

/// The format of `text/csv`.
pub(crate) struct Csv;

impl Format for Csv {
    fn read_batch<'w>(
        &self,
        body: &[u8],
        options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>> {
        let origin = Origin::Request { label_size: options.label_size.unwrap_or(0) };
        if !options.has_header {
            return numeric::read(body, width, origin, allowance);
        }
        let records = numeric::without_first_line(body);
        numeric::read(records, width, origin, allowance).map_err(|error| error.shifted(0, body.len() - records.len()))
    }

    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        options: ReadOptions,
        columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        if options.has_header && columns_before.is_none() {
            return header::read_with_header(body, schema, allowance);
        }
        Frame::from_table(read_piece(body, columns_before, schema, allowance)?, allowance)
    }

    fn byte_of(&self, body: &[u8], options: ReadOptions, place: &Place) -> Option<usize> {
        let (row, column) = (place.row?, place.column?);
        if options.has_header {
            return header::byte_with_header(body, row, place.name.as_deref(), column);
        }
        byte_of(body, row, column)
    }

    fn advice(&self, body: &[u8], options: ReadOptions, schema: &dyn Schema) -> Option<&'static str> {
        if options.has_header { None } else { header::advice(body, &schema.names()) }
    }

    fn max_rows(&self, body: &[u8], _columns: usize) -> usize {
        memchr::memchr2_iter(b'\n', b'\r', body).count() + 1
    }

    fn pieces(&self) -> Option<Pieces> {
        Some(Pieces::of_csv())
    }

    fn cell_size(&self) -> CellSize {
        // Quotes are doubled.
        CellSize::text(2)
    }

    fn write_features(&self, features: Features<'_>, _block: BlockPosition, out: &mut Vec<u8>) -> Result<()> {
        write::write(&features.into_table(), out);
        Ok(())
    }

    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        _block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match style {
            PredictionStyle::LinearLearner => numeric::write_predictions(&predictions, out),
            PredictionStyle::ScikitLearn(_) => write::write(&predictions.into_table(), out),
        }
        Ok(())
    }
}

/// Reads lines of a file of a training channel, whose `columns` columns are the label and the features. `is_start` says
/// that they are the first lines of the file.
///
/// # Errors
/// [`Cause::BadPayload`](crate::error::Cause::BadPayload) with the row, and the column where it is known.
pub fn read_channel<'w>(text: &[u8], columns: usize, is_start: bool, allowance: &'w Allowance) -> Result<Batch<'w>> {
    numeric::read(text, columns, Origin::Channel { is_start }, allowance)
}

/// The byte at which a field of a body begins; `row` and `column` count from 1. `None` if the row ends before it. Reads
/// the body again, for a message.
fn byte_of(body: &[u8], row: usize, column: usize) -> Option<usize> {
    Fields::find(body, None, &|_| Ok(()), &Allowance::unbounded())
        .ok()?
        .start(row.checked_sub(1)?, column.checked_sub(1)?)
}

/// Reads a body without a header line, once the schema has accepted the number of columns of its first row.
///
/// # Errors
/// [`Cause::BadPayload`](crate::error::Cause::BadPayload) with the row and the byte: for a body that is not UTF-8 or
/// has no rows, a row longer than the first, a quoted field that never ends, or a field that is not of the schema's
/// dtype.
pub fn read<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Table<'a>> {
    read_piece(body, None, schema, allowance)
}

/// Reads a piece of a body, whose first row had `width` columns.
///
/// # Errors
/// Those of [`read`].
fn read_piece<'a>(
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

/// The error of a field, with its column.
fn in_column(error: Error, schema: &dyn Schema, column: usize, width: usize) -> Error {
    match error.place().and_then(|place| place.row) {
        Some(row) => {
            let Place { column, name, .. } = cell_place(schema, row - 1, column, width);
            error.at(Place { column, name, ..Place::default() })
        }
        None => error,
    }
}

//! `application/x-npy`: one array in numpy's file format, as `numpy.save` writes it and `numpy.load` reads it
//! (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//!
//! Arrays of numbers and bools are read, in both byte orders, in C and in Fortran order; an array of objects is a
//! pickle, and no pickle is read here.
//!
//! An array of two dimensions holds rows and columns. An array of one dimension is a single row, if it is as long as a
//! row: numpy has no other shape for one, and `numpy.load`, with which SageMaker's containers decode
//! (github.com/aws/sagemaker-inference-toolkit, `decoder.py`), leaves it as it is.

mod array;
mod dtype;
mod header;
mod write;

use crate::error::{Error, Result};
use crate::media_types::format::{BlockPosition, CellSize, Format, ReadOptions};
use crate::media_types::prediction_style::PredictionStyle;
use crate::numbers::half::half_to_f64;
use crate::rows::schema::Schema;
use crate::rows::table::{Column, Table};
use crate::rows::{Batch, Features, Frame, Predictions};
use array::Array;
use byoc_account::Allowance;
use dtype::Kind;

/// The format of `application/x-npy`.
pub(crate) struct Npy;

impl Format for Npy {
    fn read_batch<'w>(
        &self,
        body: &[u8],
        _options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>> {
        read_batch(body, width, allowance)
    }

    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        _options: ReadOptions,
        _columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        Frame::from_table(read_table(body, schema, allowance)?, allowance)?.with_dtypes(schema, allowance)
    }

    fn max_rows(&self, body: &[u8], columns: usize) -> usize {
        // An item has at least one byte.
        body.len() / columns.max(1) + 1
    }

    fn cell_size(&self) -> CellSize {
        CellSize::BINARY
    }

    fn starts_with_row_count(&self) -> bool {
        true
    }

    fn write_features(&self, features: Features<'_>, block: BlockPosition, out: &mut Vec<u8>) -> Result<()> {
        write::write_features(&features, block.rows_for_header(), out)
    }

    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match style {
            PredictionStyle::LinearLearner => write::write_scores_and_labels(predictions, block.rows_for_header(), out),
            PredictionStyle::ScikitLearn(_) => write::write_predictions(predictions, block.rows_for_header(), out),
        }
    }
}

/// Reads `float32` rows of `width` features. An array without rows is valid; its answer has no rows either.
fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let array = Array::open(body, allowance)?;
    array.check_width(|found| match found == width {
        true => Ok(()),
        false => Err(Error::bad_payload(format!("expected {width} features, found {found}"))),
    })?;
    let mut batch = Batch::new(width, allowance);
    batch.reserve(array.rows * array.columns)?;
    match array.dtype.kind {
        Kind::Bool => array.each_row(|[byte]| f64::from(u8::from(byte != 0)), &mut batch)?,
        Kind::Int8 => array.each_row(|bytes| i8::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::Int16 => array.each_row(|bytes| i16::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::Int32 => array.each_row(|bytes| i32::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::Int64 => array.each_row(|bytes| i64::from_le_bytes(bytes) as f64, &mut batch)?,
        Kind::UInt8 => array.each_row(|bytes| u8::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::UInt16 => array.each_row(|bytes| u16::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::UInt32 => array.each_row(|bytes| u32::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::UInt64 => array.each_row(|bytes| u64::from_le_bytes(bytes) as f64, &mut batch)?,
        Kind::Float16 => {
            array.each_row(|bytes| half_to_f64(u16::from_le_bytes(bytes)), &mut batch)?;
        }
        Kind::Float32 => array.each_row(|bytes| f32::from_le_bytes(bytes).into(), &mut batch)?,
        Kind::Float64 => array.each_row(f64::from_le_bytes, &mut batch)?,
    }
    Ok(batch)
}

/// Reads columns of the array's dtype, by position, once the schema has accepted their number. Dtypes that columns do
/// not have are widened: small integers to `int64`, `float16` to `float32`.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the byte: for a body that is not such a file, or an array of another shape
/// or dtype.
fn read_table<'a>(body: &[u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Table<'a>> {
    let array = Array::open(body, allowance)?;
    array.check_width(|found| schema.check_width(found))?;
    if array.rows == 0 {
        // The header could claim any number of columns without a byte for any of them.
        return Err(Error::bad_payload("expected at least one row, found none"));
    }
    let cell = match array.dtype.kind {
        Kind::Bool => size_of::<bool>(),
        Kind::Float16 | Kind::Float32 => size_of::<f32>(),
        _ => size_of::<i64>(),
    };
    allowance.take_items::<Column<'_>>(array.columns)?;
    allowance.take(array.rows.saturating_mul(array.columns).saturating_mul(cell))?;
    let column = |column: usize| match array.dtype.kind {
        Kind::Bool => Column::Bool(array.column(column, |[byte]| byte != 0)),
        Kind::Int8 => Column::Int64(array.column(column, |bytes| i8::from_le_bytes(bytes).into())),
        Kind::Int16 => Column::Int64(array.column(column, |bytes| i16::from_le_bytes(bytes).into())),
        Kind::Int32 => Column::Int64(array.column(column, |bytes| i32::from_le_bytes(bytes).into())),
        Kind::Int64 => Column::Int64(array.column(column, i64::from_le_bytes)),
        Kind::UInt8 => Column::Int64(array.column(column, |bytes| u8::from_le_bytes(bytes).into())),
        Kind::UInt16 => Column::Int64(array.column(column, |bytes| u16::from_le_bytes(bytes).into())),
        Kind::UInt32 => Column::Int64(array.column(column, |bytes| u32::from_le_bytes(bytes).into())),
        Kind::UInt64 => Column::UInt64(array.column(column, u64::from_le_bytes)),
        Kind::Float16 => Column::Float32(array.column(column, |bytes| half_to_f64(u16::from_le_bytes(bytes)) as f32)),
        Kind::Float32 => Column::Float32(array.column(column, f32::from_le_bytes)),
        Kind::Float64 => Column::Float64(array.column(column, f64::from_le_bytes)),
    };
    Ok(Table { rows: array.rows, columns: (0..array.columns).map(column).collect() })
}

#[cfg(test)]
#[path = "npy_test.rs"]
mod npy_test;

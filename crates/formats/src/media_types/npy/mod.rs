//! `application/x-npy`: one array in numpy's own file format, as `numpy.save` writes it and `numpy.load` reads it
//! (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//!
//! Read are arrays of numbers and bools, of both byte orders, in C and in Fortran order; an array of objects is a pickle, and
//! no pickle is read here. The format is read by our own code: npyz takes as much memory as a header claims to be long.
//!
//! An array of two dimensions is rows and columns. One of one dimension is a single row, if it is as long as a row: numpy has
//! no other shape for one, and `numpy.load`, with which SageMaker's containers decode (github.com/aws/sagemaker-inference-toolkit,
//! `decoder.py`), leaves it as it is.

mod array;
mod dtype;
mod header;
mod write;

pub(crate) use dtype::half_to_f64;
pub(super) use write::{write_estimates, write_features, write_predictions};

use crate::error::{Error, Result};
use crate::rows::Batch;
use crate::rows::table::{Column, Schema, Table};
use array::Array;
use byoc_account::Allowance;
use dtype::Kind;

/// Reads float32 rows of `width` features. No row is no error: the answer has none either.
pub(crate) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
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

/// Reads columns of the array's own type, by position, once the schema has agreed to how many there are. Types that columns
/// do not have are widened: small integers to `int64`, `float16` to `float32`.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the byte for a body that is no such file, an array of another shape or type.
pub(crate) fn read_table<'a>(body: &[u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Table<'a>> {
    let array = Array::open(body, allowance)?;
    array.check_width(|found| schema.check_width(found))?;
    if array.rows == 0 {
        // There would be as many columns as the header likes, and not a byte for any of them.
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

//! `text/csv` whose cells are all numbers: requests to a linear model, and its answers.
//!
//! Bodies without a quote, which is all of them in practice, are parsed in one walk over the bytes. A body with a quote goes
//! through the csv crate; both give the same rows and the same errors
//! (but for the byte, which for a quoted body is the record's), and a property test holds them to that.

mod plain;
mod quoted;
mod write;

pub(super) use write::write_predictions;

use crate::error::{Error, Place, Result};
use crate::rows::Batch;
use byoc_account::Allowance;

/// Reads records of `label_size` ignored columns and `width` features; no header.
///
/// Lines end in `\n`, `\r\n` or `\r`, the last one need not. Blank lines are skipped and not counted. Spaces around a number
/// are allowed.
pub(crate) fn read<'w>(body: &[u8], width: usize, label_size: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let batch = match memchr::memchr(b'"', body) {
        None => plain::read(body, width, label_size, allowance)?,
        Some(_) => quoted::read(body, width, label_size, allowance)?,
    };
    if batch.is_empty() {
        return Err(Error::bad_payload("expected at least one record of text/csv, found an empty body"));
    }
    Ok(batch)
}

/// What is said of words in the first record of a body. It is wrong of the first record of a part of one.
pub const IF_HEADER: &str = " (if this is a header: text/csv is read without one)";

/// The error for a cell that is no finite number.
fn not_a_number(cell: &[u8], row: usize, column: usize) -> Error {
    let found = crate::media_types::shown(cell);
    let hint = match cell.first() {
        Some(first) if row == 1 && first.is_ascii_alphabetic() => IF_HEADER,
        _ => "",
    };
    Error::bad_payload(format!("expected a number, found {found}{hint}")).at(Place::cell(row, column))
}

/// Parses one cell. Not-a-number and infinity are numbers to the parser, and nothing that a model can use.
fn number(cell: &[u8]) -> Option<f64> {
    fast_float2::parse::<f64, _>(cell).ok().filter(|value| value.is_finite())
}

/// Whether a byte may stand around a number.
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trim(mut cell: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = cell
        && is_blank(*first)
    {
        cell = rest;
    }
    while let [rest @ .., last] = cell
        && is_blank(*last)
    {
        cell = rest;
    }
    cell
}

/// Which columns are labels is the request's word; how many features there must be is the model's.
fn wrong_width(error: Error, label_size: usize) -> Error {
    if label_size == 0 { error } else { error.context(format_args!("after {label_size} label columns (label_size)")) }
}

#[cfg(test)]
#[path = "read_test.rs"]
mod read_test;

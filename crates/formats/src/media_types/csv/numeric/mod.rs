//! CSV of numbers only: requests to a linear model, and its answers.
//!
//! Bodies without quotes, which is nearly all of them, are parsed in one pass over the bytes. Bodies with quotes are
//! read by the csv crate. Both give the same rows and the same errors, except that for a quoted body the byte is the
//! record's; a property test checks that.

mod plain;
mod quoted;
mod write;

pub(super) use write::write_predictions;

use crate::counted::counted;
use crate::error::{Error, Place, Result};
use crate::rows::Batch;
use byoc_account::Allowance;

/// Where the records come from, which decides how their errors are worded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// A request: `label_size` columns that are ignored, then the features.
    Request { label_size: usize },
    /// A piece of a file of a training channel: the label, then the features. Only the first record of a file can be a
    /// header.
    Channel { is_start: bool },
}

/// Reads records of `width` columns, not counting the labels of a request, which are ignored. `body` has no header
/// line.
///
/// Lines end in `\n`, `\r\n` or `\r`; the last one may lack an ending. Blank lines are skipped and not counted. Spaces
/// around a number are allowed.
pub(super) fn read<'w>(body: &[u8], width: usize, origin: Origin, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let batch = match memchr::memchr(b'"', body) {
        None => plain::read(body, width, origin, allowance)?,
        Some(_) => quoted::read(body, width, origin, allowance)?,
    };
    if batch.is_empty() {
        return Err(Error::bad_payload("expected at least one record of text/csv, found an empty body"));
    }
    Ok(batch)
}

impl Origin {
    /// The number of columns before the features that are ignored.
    fn label_size(self) -> usize {
        match self {
            Origin::Request { label_size } => label_size,
            Origin::Channel { .. } => 0,
        }
    }

    /// The error for a cell that is not a finite number.
    fn not_a_number(self, cell: &[u8], row: usize, column: usize) -> Error {
        let found = crate::excerpt::excerpt(cell);
        let is_text = cell.first().is_some_and(u8::is_ascii_alphabetic) && fast_float2::parse::<f64, _>(cell).is_err();
        // The cells before this one are numbers, and a header line has none.
        let is_first_cell = row == 1 && column == self.label_size() + 1;
        let hint = match self {
            Origin::Request { .. } if is_text && is_first_cell => {
                " (if this is a header line: send it as text/csv; header=present)"
            }
            Origin::Channel { is_start: true } if is_text && is_first_cell => {
                " (if this is a header line: set the channel's ContentType to text/csv;header=present)"
            }
            Origin::Channel { .. } if is_text => {
                " (a linear learner reads numbers only: fit a preprocessor on the text first)"
            }
            Origin::Request { .. } | Origin::Channel { .. } => "",
        };
        Error::bad_payload(format!("expected a number, found {found}{hint}")).at(Place::cell(row, column))
    }

    /// Closes the open record.
    fn end_record(self, batch: &mut Batch<'_>) -> Result<()> {
        let (expected, found) = (batch.width(), batch.open_values());
        match self {
            Origin::Channel { .. } if found != expected => Err(Error::bad_payload(format!(
                "expected {} as in the first record, the label and {}, found {found}",
                counted(expected, "column"),
                counted(expected.saturating_sub(1), "feature")
            ))),
            Origin::Request { label_size: 0 } | Origin::Channel { .. } => batch.end_dense(),
            Origin::Request { label_size } => batch.end_dense().map_err(|error| {
                error.context(format_args!("after {} (label_size)", counted(label_size, "label column")))
            }),
        }
    }
}

/// Parses one cell. NaN and infinity are refused: the parser reads them, but a model cannot use them.
fn number(cell: &[u8]) -> Option<f64> {
    fast_float2::parse::<f64, _>(cell).ok().filter(|value| value.is_finite())
}

/// What follows the header line of a body.
pub(super) fn without_first_line(body: &[u8]) -> &[u8] {
    let first = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(body.len());
    let text = body.get(first..).unwrap_or_default();
    let end = memchr::memchr2(b'\n', b'\r', text).map_or(text.len(), |end| end + 1);
    text.get(end..).unwrap_or_default()
}

/// Whether a byte is allowed around a number.
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

#[cfg(test)]
#[path = "read_test.rs"]
mod read_test;

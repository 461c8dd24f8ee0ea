//! The fast reader: bodies without quotes.

use super::{Origin, is_blank, trim};
use crate::error::{Place, Result};
use crate::rows::Batch;
use byoc_account::Allowance;

pub(super) fn read<'w>(body: &[u8], width: usize, origin: Origin, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let mut batch = Batch::for_body(width, body, allowance)?;
    // A byte order mark, which Excel writes, is skipped as the csv crate and pandas skip it.
    let mut rest = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    while let Some(record) = next_record(rest) {
        rest = read_record(body, record, &mut batch, origin)?;
        if batch.len() == 1 {
            // The other records are probably as long as the first. A number takes two bytes at least.
            let guess = (rest.len() / (record.len() - rest.len()).max(1)).saturating_mul(width);
            batch.reserve(guess.min(rest.len() / 2))?;
        }
    }
    Ok(batch)
}

/// The bytes from the start of the next record on; blank lines are skipped.
fn next_record(rest: &[u8]) -> Option<&[u8]> {
    let mut line = rest;
    loop {
        let start = line.iter().position(|&byte| !is_blank(byte))?;
        match line.get(start) {
            Some(b'\n' | b'\r') => line = line.get(start + 1..)?,
            _ => return Some(line),
        }
    }
}

/// Reads the record at the start of `record`, which like all slices here extends to the end of `body`, and returns the
/// bytes after it.
fn read_record<'b>(body: &[u8], record: &'b [u8], batch: &mut Batch<'_>, origin: Origin) -> Result<&'b [u8]> {
    let row = batch.len() + 1;
    let mut rest = record;
    let mut column = 0;
    loop {
        column += 1;
        let cell = rest;
        rest = if column <= origin.label_size() {
            rest.get(cell_end(rest)..).unwrap_or_default()
        } else {
            let place = || Place::cell(row, column).at_byte(body.len() - cell.len());
            let (value, after) =
                read_number(cell).ok_or_else(|| origin.not_a_number(cell_text(cell), row, column).at(place()))?;
            batch.push_value(value).map_err(|error| error.at(place()))?;
            after
        };
        match rest.split_first() {
            Some((b',', after)) => rest = after,
            other => {
                let place = || Place::row(row).at_byte(body.len() - record.len());
                origin.end_record(batch).map_err(|error| error.at(place()))?;
                // A `\n` that follows a `\r` reads as one more blank line.
                return Ok(other.map_or(rest, |(_, after)| after));
            }
        }
    }
}

/// A finite number with nothing but blanks around it, and the bytes from its delimiter on.
#[inline]
fn read_number(cell: &[u8]) -> Option<(f64, &[u8])> {
    let text = trim_start(cell);
    let (value, length) = fast_float2::parse_partial::<f64, _>(text).ok()?;
    let after = trim_start(text.get(length..)?);
    (value.is_finite() && matches!(after.first(), None | Some(b',' | b'\n' | b'\r'))).then_some((value, after))
}

#[inline]
fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, after @ ..] = text
        && is_blank(*first)
    {
        text = after;
    }
    text
}

fn cell_end(cell: &[u8]) -> usize {
    memchr::memchr3(b',', b'\n', b'\r', cell).unwrap_or(cell.len())
}

fn cell_text(cell: &[u8]) -> &[u8] {
    trim(cell.get(..cell_end(cell)).unwrap_or_default())
}

//! Reads CSV of a linear learner's channel: the label is the first column; the channel says whether there is a header
//! line.

use crate::training::channel::collector::Collector;
use crate::training::channel::header_line::HeaderLine;
use crate::training::channel::streams::Stream;
use byoc_account::Allowance;
use byoc_formats::counted::counted;
use byoc_formats::error::Place;
use byoc_formats::error::{Error, Result};
use byoc_formats::media_types::csv::read_channel;
use byoc_formats::rows::batch::Row;
use std::io::Read as _;

/// Bytes that are parsed at once; more for a line that is longer.
const CHUNK: usize = 4 << 20;
const MAX_LINE_LENGTH: usize = 256 << 20;

/// Reads a stream to its end, or until the receiver of its rows is gone.
pub(in crate::training) fn read(stream: &mut Stream, header: &HeaderLine, collector: &mut Collector) -> Result<()> {
    let mut text = Vec::new();
    // Rows and bytes of the stream before `text`. A header line counts as the first row.
    let (mut rows, mut offset) = (0, 0);
    let mut header_rows = None;
    let mut wanted = CHUNK;
    loop {
        let missing = wanted.saturating_sub(text.len()) as u64;
        let found = stream.bytes.by_ref().take(missing).read_to_end(&mut text);
        let found = found.map_err(|error| Error::io("read", &stream.path, error))?;
        let is_end = (found as u64) < missing;
        if header_rows.is_none() {
            let length = header.length(&text, &stream.path.display().to_string())?;
            header_rows = Some(usize::from(length > 0));
            rows = usize::from(length > 0);
            offset = length;
            text.drain(..length);
            check_names(header, &text, rows + 1)?;
        }
        let end = if is_end { text.len() } else { text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1) };
        if end == 0 && !is_end {
            if wanted >= MAX_LINE_LENGTH {
                return Err(Error::bad_payload(format!("expected lines of at most {MAX_LINE_LENGTH} bytes"))
                    .at(Place::row(rows + 1).at_byte(offset)));
            }
            wanted *= 2;
            continue;
        }
        wanted = CHUNK;
        let whole = text.get(..end).unwrap_or_default();
        let is_wanted =
            collect(whole, rows == 0, collector).map_err(|error| named(error.shifted(rows, offset), header))?;
        if is_end || !is_wanted {
            return Ok(());
        }
        rows = header_rows.unwrap_or(0) + collector.rows_of_stream();
        offset += end;
        text.drain(..end);
    }
}

/// The error with the name of its column, if the file has a header line.
fn named(error: Error, header: &HeaderLine) -> Error {
    let column = error.place().and_then(|place| place.column?.checked_sub(1));
    match column.and_then(|column| header.names()?.get(column)) {
        Some(name) => error.at(Place::default().named(name)),
        None => error,
    }
}

/// Parses whole lines. Returns false if the receiver of the rows is gone.
fn collect(text: &[u8], is_start: bool, collector: &mut Collector) -> Result<bool> {
    let Some(columns) = collector.columns().or_else(|| columns(text)) else { return Ok(true) };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(true);
    }
    let allowance = Allowance::unbounded();
    let batch = read_channel(text, columns, is_start, &allowance)?;
    for (index, row) in batch.rows().enumerate() {
        if let Row::Dense(cells) = row
            && let Some((label, features)) = cells.split_first()
        {
            let at = |error: Error| error.at(Place::cell(index + 1, 1));
            if !collector.push_dense(*label, features).map_err(at)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Checks that the first record has a value for each name of the header line.
fn check_names(header: &HeaderLine, text: &[u8], row: usize) -> Result<()> {
    match (header.columns(), columns(text)) {
        (Some(expected), Some(found)) if expected != found => Err(Error::bad_payload(format!(
            "expected {} as in the header line, the label and {}, found {found}",
            counted(expected, "column"),
            counted(expected.saturating_sub(1), "feature")
        ))
        .at(Place::row(row))),
        _ => Ok(()),
    }
}

/// Number of columns of the first record.
fn columns(text: &[u8]) -> Option<usize> {
    let line =
        text.split(|&byte| byte == b'\n' || byte == b'\r').find(|line| !line.iter().all(u8::is_ascii_whitespace))?;
    Some(line.iter().filter(|&&byte| byte == b',').count() + 1)
}

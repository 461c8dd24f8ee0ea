//! The header line of an object of `text/csv; header=present`: the names of its columns (RFC 4180 §3).
//!
//! It is not a record. A container reads each payload by itself, so each payload begins with the header line; otherwise
//! the first record of every later payload would be taken for names.

use std::io::Read;

use super::malformed_at;
use super::window::Window;
use crate::error::{Error, Result};
use crate::transform::processing::{DataProcessing, blank_lines, check_row, header_row, is_blank};
use byoc_formats::error::Place;
use byoc_formats::media_types::content_type::{self, CsvHeader};

/// Whether objects have a header line: the parameter `header` of the job's ContentType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transform) enum Header {
    /// No: the first line is a record.
    #[default]
    Absent,
    /// Yes: the first line holds the names of the columns.
    Present,
}

impl Header {
    /// Reads the `header` parameter of a job's ContentType. Other parameters are left for the container to check.
    ///
    /// # Errors
    /// If it has both `present` and `absent`.
    pub(in crate::transform) fn of(content_type: Option<&str>) -> Result<Header> {
        Ok(match content_type::Header::new(content_type.unwrap_or_default()).csv_header()? {
            CsvHeader::Present => Header::Present,
            CsvHeader::Absent | CsvHeader::Unknown(_) => Header::Absent,
        })
    }
}

/// The header line of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderLine {
    /// The line before the records of each payload, filtered as they are, with its line end; empty if there is none.
    pub(super) sent: Vec<u8>,
    /// Its offset in the object.
    pub(super) from: u64,
}

impl HeaderLine {
    /// Reads it from the start of an object whose records are lines. A line break within quotes is part of a name, and
    /// blank lines before it are skipped. An object of only blank lines has no header line.
    ///
    /// # Errors
    /// If it is not a valid row, or leaves no space for a record in a payload of `most` bytes.
    pub(super) fn take<R: Read>(
        window: &mut Window<R>,
        processing: Option<&DataProcessing>,
        most: usize,
    ) -> Result<HeaderLine> {
        loop {
            window.skip(blank_lines(window.bytes()));
            let bytes = window.bytes();
            if window.at_end() && is_blank(bytes) {
                return Ok(HeaderLine::default());
            }
            let (row, end) = header_row(bytes);
            // A line feed after the carriage return may not have been read yet.
            let is_whole = window.at_end() || end > 0 && row.len() + end < bytes.len();
            if row.len() > most {
                check_closed(row, window.offset())?;
                let message = format!("the header line has more than the {most} bytes of a payload (MaxPayloadInMB)");
                return Err(Error::bad_payload(message).at(Place::byte(window.offset() as usize)));
            }
            if is_whole {
                return HeaderLine::of(window, processing);
            }
            window.want(window.bytes().len().max(64 << 10) * 2)?;
        }
    }

    /// Parses the complete header line at the start of the window.
    fn of<R: Read>(window: &mut Window<R>, processing: Option<&DataProcessing>) -> Result<HeaderLine> {
        let from = window.offset();
        let (row, end) = header_row(window.bytes());
        let length = row.len() + end;
        check_closed(row, from)?;
        let mut sent = match processing {
            None => row.to_vec(),
            Some(processing) => {
                processing.check(row).map_err(|malformed| of_header(malformed_at(&malformed, None, from), from))?;
                processing.filter_input(row).map_err(|message| of_header(message, from))?.into_owned()
            }
        };
        sent.push(b'\n');
        window.skip(length);
        Ok(HeaderLine { sent, from })
    }
}

/// Checks that all quotes of a header line are closed. An unclosed quote has taken records as part of a name:
/// all of them, or those up to another quote.
fn check_closed(row: &[u8], from: u64) -> Result<()> {
    let spans_lines = memchr::memchr2(b'\n', b'\r', row).is_some();
    match check_row(row) {
        Err(malformed) if spans_lines || malformed.is_open() => {
            Err(of_header(malformed_at(&malformed, None, from), from))
        }
        _ => Ok(()),
    }
}

fn of_header(message: String, from: u64) -> Error {
    Error::bad_payload(format!("the header line: {message}")).at(Place::byte(from as usize))
}

/// The length in bytes of the header line of a whole object, with its line end and the blank lines before it.
pub(super) fn length_in(object: &[u8]) -> usize {
    let start = blank_lines(object);
    let (row, end) = header_row(object.get(start..).unwrap_or_default());
    start + row.len() + end
}

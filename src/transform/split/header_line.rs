//! The header line of an object of `text/csv; header=present`: the names of its columns (RFC 4180 §3).
//!
//! It is no record. A container reads each payload by itself, so that each payload begins with it, of whatever records it is;
//! otherwise the first record of every payload but the first would be taken for names.

use std::io::Read;

use super::malformed_at;
use super::window::Window;
use crate::error::{Error, Place, Result};
use crate::payload::MediaType;
use crate::transform::processing::{DataProcessing, first_row, is_blank, rows};

/// Whether objects have a header line: the parameter `header` of the job's ContentType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transform) enum Header {
    /// Their first record is a record.
    #[default]
    Absent,
    /// Their first record is the names of the columns.
    Present,
}

impl Header {
    /// What a job's ContentType says, whatever else it says: what of that makes no sense is the container's to refuse.
    pub(in crate::transform) fn of(content_type: Option<&str>) -> Header {
        let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
        let is_csv = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(MediaType::Csv.name()));
        let is_present = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.trim().eq_ignore_ascii_case("header") && value.trim().trim_matches('"').eq_ignore_ascii_case("present")
        };
        if is_csv && parts.any(is_present) { Header::Present } else { Header::Absent }
    }
}

/// The header line of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderLine {
    /// What stands before the records of each payload, filtered as they are, with its line end; nothing where there is none.
    pub(super) sent: Vec<u8>,
    /// Where it begins in the object.
    pub(super) from: u64,
}

impl HeaderLine {
    /// Takes it off the start of an object whose records are lines. A line break within quotes is a part of a name, and blank
    /// lines before it are none. An object of blank lines has none.
    ///
    /// # Errors
    /// One that is no row, or that leaves no room for a record in a payload of `most` bytes.
    pub(super) fn take<R: Read>(
        window: &mut Window<R>,
        processing: Option<&DataProcessing>,
        most: usize,
    ) -> Result<HeaderLine> {
        loop {
            let line = memchr::memchr(b'\n', window.bytes());
            match line {
                Some(end) if window.bytes().get(..end).is_some_and(is_blank) => window.skip(end + 1),
                None if window.at_end() && is_blank(window.bytes()) => return Ok(HeaderLine::default()),
                _ => {
                    let found = first_row(window.bytes()).len();
                    let is_whole = found < window.bytes().len() || window.at_end();
                    if found > most {
                        let message = format!(
                            "the header line has more than the {most} bytes of a payload (MaxPayloadInMB), or one of its \
                             quotes does not close"
                        );
                        return Err(Error::bad_payload(message).at(Place::byte(window.offset() as usize)));
                    }
                    if is_whole {
                        return HeaderLine::of(window, found, processing);
                    }
                    window.want(window.bytes().len().max(64 << 10) * 2)?;
                }
            }
        }
    }

    /// The header line of so many bytes at the start of the window.
    fn of<R: Read>(window: &mut Window<R>, length: usize, processing: Option<&DataProcessing>) -> Result<HeaderLine> {
        let from = window.offset();
        let row = window.bytes().get(..length).unwrap_or_default();
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let mut sent = match processing {
            None => row.to_vec(),
            Some(processing) => {
                let at =
                    |message| Error::bad_payload(format!("the header line: {message}")).at(Place::byte(from as usize));
                processing.check(row).map_err(|malformed| at(malformed_at(&malformed, None, from)))?;
                processing.filter_input(row).map_err(at)?.into_owned()
            }
        };
        sent.push(b'\n');
        window.skip((length + 1).min(window.bytes().len()));
        Ok(HeaderLine { sent, from })
    }
}

/// How many bytes the header line of a whole object has, with its line end and what blank lines are before it.
pub(super) fn length_in(object: &[u8]) -> usize {
    let Some((start, _)) = rows(object).next() else { return 0 };
    let line = first_row(object.get(start..).unwrap_or_default());
    (start + line.len() + 1).min(object.len())
}

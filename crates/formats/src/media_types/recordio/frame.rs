//! Frames: a magic number, a length, the record, and zeros to a multiple of four bytes.

use crate::error::{Error, Place, Result};
use std::io::Read;

pub(super) const MAGIC: u32 = 0xCED7_230A;

/// The number of bytes before a record.
const HEAD: usize = 8;

/// MXNet keeps flags in the upper three bits of the length, 0 for a record in one piece
/// (github.com/dmlc/dmlc-core, `include/dmlc/recordio.h`).
const LENGTH_BITS: u32 = 29;

/// The length of a record, from the bytes before it.
fn length(head: [u8; HEAD]) -> Result<usize> {
    let [a, b, c, d, e, f, g, h] = head;
    let (magic, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    if magic != MAGIC {
        return Err(Error::bad_payload(format!(
            "expected the number {MAGIC:#x} at the start of a RecordIO frame, found {magic:#x}"
        )));
    }
    match length >> LENGTH_BITS {
        0 => Ok(length as usize),
        flag => Err(Error::bad_payload(format!(
            "expected a record in one piece, found one of several (continuation flag {flag}) or longer than {} bytes",
            (1 << LENGTH_BITS) - 1
        ))),
    }
}

fn truncated_head(found: usize) -> Error {
    Error::bad_payload(format!("expected {HEAD} bytes at the start of a RecordIO frame, found {found} to the end"))
}

fn truncated_record(length: usize, found: usize) -> Error {
    Error::bad_payload(format!("expected a record of {length} bytes, found {found} to the end"))
}

/// The frames of a body that is in memory. Errors have the byte where the frame begins.
pub(super) struct BodyFrames<'a> {
    body: &'a [u8],
    offset: usize,
}

impl<'a> BodyFrames<'a> {
    pub(super) fn new(body: &'a [u8]) -> BodyFrames<'a> {
        BodyFrames { body, offset: 0 }
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The next frame's record, or none at the end.
    pub(super) fn next_frame(&mut self) -> Result<Option<&'a [u8]>> {
        let start = self.offset;
        self.split().map_err(|error| error.at(Place::byte(start)))
    }

    fn split(&mut self) -> Result<Option<&'a [u8]>> {
        let rest = self.body.get(self.offset..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let (head, rest) = rest.split_first_chunk().ok_or_else(|| truncated_head(rest.len()))?;
        let length = length(*head)?;
        let record = rest.get(..length).ok_or_else(|| truncated_record(length, rest.len()))?;
        // The zeros after the last record may be missing.
        self.offset += HEAD + length.next_multiple_of(4).min(rest.len());
        Ok(Some(record))
    }
}

/// Reads the frames of a stream one after another.
#[derive(Debug)]
pub struct Frames<R> {
    source: R,
    /// The number of bytes read.
    offset: usize,
    payload: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Reads from the start of a frame.
    pub fn new(source: R) -> Frames<R> {
        Frames { source, offset: 0, payload: Vec::new() }
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next frame's record, or none at the end.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the byte where the frame begins. No more memory is taken than bytes
    /// arrive.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>> {
        let start = self.offset;
        match self.fill_payload().map_err(|error| error.at(Place::byte(start)))? {
            Some(length) => Ok(self.payload.get(..length)),
            None => Ok(None),
        }
    }

    /// Reads a whole frame; the length of its record, or none at the end.
    fn fill_payload(&mut self) -> Result<Option<usize>> {
        let cannot_read = |error| Error::bad_payload("cannot be read").caused_by(error);
        let mut head = [0; HEAD];
        match self.fill(&mut head).map_err(cannot_read)? {
            0 => return Ok(None),
            HEAD => {}
            found => return Err(truncated_head(found)),
        }
        let length = length(head)?;
        self.payload.clear();
        let padded = length.next_multiple_of(4) as u64;
        let found = self.source.by_ref().take(padded).read_to_end(&mut self.payload).map_err(cannot_read)?;
        self.offset += found;
        // The zeros after the last record may be missing.
        if found < length {
            return Err(truncated_record(length, found));
        }
        Ok(Some(length))
    }

    /// Fills a buffer as far as bytes are available.
    fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.offset += filled;
        Ok(filled)
    }
}

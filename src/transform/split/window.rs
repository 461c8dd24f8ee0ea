//! A buffered window on a stream: holds the bytes that are needed, and knows their offset in the object.

use std::io::Read;

use crate::error::{Error, Result};
use byoc_formats::error::Place;

/// How many bytes to read ahead if the needed number is not known.
const AHEAD: usize = 64 << 10;
/// The most memory that is reserved before any byte has arrived: slightly more than the default payload.
const MAX_RESERVE: usize = 8 << 20;

pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// The number of bytes of the buffer that are consumed.
    start: usize,
    /// The offset in the object at which the window begins.
    offset: u64,
    at_end: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R) -> Window<R> {
        Window { source, buffer: Vec::new(), start: 0, offset: 0, at_end: false }
    }

    /// The bytes in the window.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The offset in the object at which the window begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the window reaches to the end of the object.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Extends the window to `bytes` bytes, or to the end of the object.
    pub(super) fn want(&mut self, bytes: usize) -> Result<&[u8]> {
        let here = self.buffer.len() - self.start;
        if here < bytes && !self.at_end {
            if self.start > 0 {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            // Small objects need little memory; large payloads are not copied as they grow.
            self.buffer.reserve((bytes - here).min(MAX_RESERVE));
            let missing = (bytes - here) as u64;
            let read = self.source.by_ref().take(missing).read_to_end(&mut self.buffer);
            let read = read.map_err(|error| {
                let at = self.offset + self.buffer.len() as u64;
                Error::bad_payload("cannot be read").caused_by(error).at(Place::byte(at as usize))
            })?;
            self.at_end = (read as u64) < missing;
        }
        Ok(self.bytes())
    }

    /// Extends the window by some bytes.
    pub(super) fn more(&mut self) -> Result<()> {
        self.want(self.bytes().len() + AHEAD).map(drop)
    }

    /// Advances the start of the window.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.buffer.len());
        self.offset += bytes as u64;
    }

    /// Removes the first bytes from the window without copying them; the bytes after them are copied.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let end = (self.start + bytes).min(self.buffer.len());
        let rest = self.buffer.get(end..).unwrap_or_default().to_vec();
        let mut taken = std::mem::replace(&mut self.buffer, rest);
        taken.truncate(end);
        taken.drain(..self.start);
        self.start = 0;
        self.offset += bytes as u64;
        taken
    }
}

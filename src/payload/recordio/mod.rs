//! `application/x-recordio-protobuf`: records of the message `aialgs.data.Record` in frames.
//!
//! Frame and message: docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html and the Python SDK's `record_pb2`. A frame is
//! a magic number, a length, the record, and zeros to a multiple of four bytes.

mod record;
mod wire;
mod write;

pub use record::{Record, Tensor};
pub use write::{write_frame, write_record};

use crate::error::{Error, Place, Result};
use std::io::Read;

const MAGIC: u32 = 0xCED7_230A;
/// MXNet keeps flags in the upper three bits of the length, 0 for a record in one piece.
const LONGEST: u32 = (1 << 29) - 1;

/// Reads frames one after another.
#[derive(Debug)]
pub struct Frames<R> {
    source: R,
    /// How many bytes have been read.
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
    /// [`crate::error::Cause::BadPayload`] with the byte where the frame begins. No more memory is taken than bytes come.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>> {
        let start = self.offset;
        let wrong = |message: String| Error::bad_payload(message).at(Place::byte(start));
        let mut head = [0; 8];
        match self.fill(&mut head).map_err(|error| wrong(format!("cannot be read: {error}")))? {
            0 => return Ok(None),
            8 => {}
            found => return Err(wrong(format!("expected 8 bytes at the start of a RecordIO frame, found {found}"))),
        }
        let [a, b, c, d, e, f, g, h] = head;
        let (magic, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if magic != MAGIC {
            return Err(wrong(format!(
                "expected the number {MAGIC:#x} at the start of a RecordIO frame, found {magic:#x}"
            )));
        }
        if length > LONGEST {
            return Err(wrong(format!("expected a record in one piece of at most {LONGEST} bytes, found {length:#x}")));
        }
        let padded = u64::from(length).next_multiple_of(4);
        self.payload.clear();
        let found = self.source.by_ref().take(padded).read_to_end(&mut self.payload);
        let found = found.map_err(|error| wrong(format!("cannot be read: {error}")))?;
        self.offset += found;
        // The zeros after the last record may be missing.
        if found < length as usize {
            return Err(wrong(format!("expected a record of {length} bytes, found {found} to the end")));
        }
        Ok(self.payload.get(..length as usize))
    }

    /// Fills a buffer as far as there are bytes.
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

#[cfg(test)]
#[path = "recordio_test.rs"]
mod recordio_test;

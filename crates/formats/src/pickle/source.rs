//! The bytes of the uncompressed file, decompressed only as far as they are needed.
//!
//! A decompression bomb is mostly bytes that no opcode asks for, so decompression follows the opcodes instead of
//! running ahead of them: a gigabyte of zeros ends at its first byte, which is not an opcode. Before memory is taken
//! for a length that a file announces, the length is checked against what the file can still supply (uncompressed: the
//! bytes that are left; compressed: the most that a stream of its size may decompress to).

use std::io::Read;
use std::ops::Range;

use byoc_account::Allowance;

use super::compression;
use super::memory::reserve_leased;
use crate::error::{Error, Place, Result};

/// The size in bytes that every compressed file may decompress to, however small it is.
const ALWAYS_ALLOWED: usize = 32 << 20;

/// How far a larger file may expand, in multiples of its own size. Fitted models compress to between a half and a
/// tenth; only runs of one number (a sparse `coef_`) compress better, and 32 MiB of those are always allowed.
const MAX_RATIO: usize = 100;

/// The size in bytes that no file may exceed when decompressed.
const NEVER_ALLOWED: usize = 2 << 30;

/// The smallest and the largest number of bytes that are decompressed at a time.
const SMALLEST_PIECE: usize = 64 << 10;
const MAX_PIECE: usize = 4 << 20;

/// The longest line of a text opcode (names, numbers and text of protocol 0).
const MAX_LINE_LENGTH: usize = 1 << 20;

fn take_decoder(format: compression::Format, bytes: &[u8], allowance: &Allowance) -> Result<usize> {
    let decoder = compression::memory(format, bytes);
    allowance.take(decoder)?;
    Ok(decoder)
}

/// The uncompressed file and how far it has been read.
pub(super) struct Source<'a> {
    allowance: &'a Allowance,
    bytes: Vec<u8>,
    position: usize,
    /// The rest of a compressed file.
    packed: Option<Box<dyn Read>>,
    /// The most bytes that the uncompressed file may have.
    limit: usize,
    /// The size of the file on disk in bytes.
    size: usize,
    /// The memory of the decoder in bytes; 0 for an uncompressed file.
    decoder: usize,
}

impl<'a> Source<'a> {
    /// Detects the compression and creates its decoder.
    pub(super) fn open(bytes: Vec<u8>, allowance: &'a Allowance) -> Result<Source<'a>> {
        if bytes.is_empty() {
            return Err(Error::bad_artifact("the file is empty; expected a joblib file or a pickle"));
        }
        let size = bytes.len();
        Ok(match compression::detect(&bytes)? {
            None => Source { allowance, bytes, position: 0, packed: None, limit: size, size, decoder: 0 },
            Some(format) => Source {
                allowance,
                bytes: Vec::new(),
                position: 0,
                decoder: take_decoder(format, &bytes, allowance)?,
                packed: Some(compression::decoder(format, bytes)?),
                limit: size.saturating_mul(MAX_RATIO).clamp(ALWAYS_ALLOWED, NEVER_ALLOWED),
                size,
            },
        })
    }

    /// The size of the file on disk in bytes, compressed or not.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The position of the next byte.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes of a span that [`Source::take`] returned.
    pub(super) fn get(&self, span: &Range<usize>) -> &[u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }

    /// Refuses a length that exceeds the rest of the file.
    pub(super) fn claim(&self, length: u64) -> Result<usize> {
        let left = self.limit - self.position;
        match usize::try_from(length) {
            Ok(length) if length <= left => Ok(length),
            _ if self.packed.is_some() => Err(self.error(format!(
                "{length} bytes are announced; a compressed file of this size is unpacked to at most {} bytes (if it \
                 is honest, dump it without compress=)",
                self.limit
            ))),
            _ => {
                Err(self
                    .error(format!("{length} bytes are announced and {left} are left: the file is cut off or damaged")))
            }
        }
    }

    /// Takes the next `length` bytes.
    pub(super) fn take(&mut self, length: u64) -> Result<Range<usize>> {
        let length = self.claim(length)?;
        let end = self.position + length;
        if end > self.bytes.len() {
            self.allowance.check((end - self.bytes.len()) as u64)?;
            self.unpack_to(end)?;
        }
        let span = self.position..end;
        self.position = end;
        Ok(span)
    }

    /// Takes the next `N` bytes.
    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        if self.limit - self.position < N {
            return Err(self.cut_off());
        }
        let span = self.take(N as u64)?;
        let mut taken = [0; N];
        taken.copy_from_slice(self.get(&span));
        Ok(taken)
    }

    /// Takes the next byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    /// Takes an unsigned integer of `WIDTH` bytes, least significant first.
    pub(super) fn unsigned<const WIDTH: usize>(&mut self) -> Result<u64> {
        let bytes = self.fixed::<WIDTH>()?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Takes the bytes whose number is in the `WIDTH` bytes before them.
    pub(super) fn counted<const WIDTH: usize>(&mut self) -> Result<Range<usize>> {
        let length = self.unsigned::<WIDTH>()?;
        self.take(length)
    }

    /// Takes the bytes up to the next line break; the span is without it.
    pub(super) fn line(&mut self) -> Result<Range<usize>> {
        let start = self.position;
        let mut searched = start;
        loop {
            if let Some(found) = self.bytes.get(searched..).and_then(|rest| memchr::memchr(b'\n', rest)) {
                let end = searched + found;
                self.position = end + 1;
                return Ok(start..end);
            }
            searched = self.bytes.len();
            if searched - start > MAX_LINE_LENGTH {
                return Err(self.error(format!("a line of text is longer than {MAX_LINE_LENGTH} bytes")));
            }
            if searched >= self.limit {
                return Err(self.cut_off());
            }
            self.unpack_to(searched + 1)?;
        }
    }

    /// Decompresses up to `end`, which is within the limit.
    fn unpack_to(&mut self, end: usize) -> Result<()> {
        while self.bytes.len() < end {
            let have = self.bytes.len();
            let piece = have.clamp(SMALLEST_PIECE, MAX_PIECE).min(self.limit - have);
            if self.packed.is_some() {
                reserve_leased(&mut self.bytes, piece, self.allowance)?;
            }
            let read = match &mut self.packed {
                Some(packed) => packed.take(piece as u64).read_to_end(&mut self.bytes).map_err(compression::damaged)?,
                None => 0,
            };
            if read == 0 {
                return Err(self.cut_off());
            }
        }
        Ok(())
    }

    /// Decompresses the rest of the file without keeping it, to verify the checksum, and returns the
    /// bytes read before.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        if let Some(mut packed) = self.packed.take() {
            let allowed = self.limit - self.bytes.len();
            let rest = std::io::copy(&mut (&mut packed).take(allowed as u64 + 1), &mut std::io::sink());
            if rest.map_err(compression::damaged)? > allowed as u64 {
                return Err(self.error(format!(
                    "the file unpacks to more than {} bytes (if it is honest, dump it without compress=)",
                    self.limit
                )));
            }
            drop(packed);
            self.allowance.give_back(self.size + self.decoder);
            let spare = self.bytes.capacity() - self.bytes.len();
            let _copied = self.allowance.hold(self.bytes.len())?;
            self.bytes.shrink_to_fit();
            self.allowance.give_back(spare);
        }
        Ok(self.bytes)
    }

    fn cut_off(&self) -> Error {
        self.error("the file ends in the middle of the pickle: it is cut off or damaged")
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::bad_artifact(message).at(Place::byte(self.position))
    }
}

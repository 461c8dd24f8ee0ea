//! The bytes of the uncompressed file, unpacked as far as they have been asked for.
//!
//! A bomb is mostly bytes that nobody would ask for, so unpacking follows the opcodes instead of running ahead of them: a
//! gigabyte of zeros ends at its first byte, which is not an opcode. Lengths that a file announces are held against what
//! it can still give (uncompressed: the bytes that are left; compressed: what a stream of its size may unpack to) before
//! any memory is taken for them.

use std::io::Read;
use std::ops::Range;

use byoc_account::Allowance;

use super::compression;
use super::memory::make_room;
use crate::error::{Error, Place, Result};

/// What any compressed file may unpack to, however small it is.
const ALWAYS_ALLOWED: usize = 32 << 20;

/// What a compressed file may unpack to, in multiples of its own size. Fitted models shrink to between a half and a
/// tenth; only runs of one number (a sparse `coef_`) do better, and 32 MiB of those are always allowed.
const LARGEST_RATIO: usize = 100;

/// What no file may unpack to.
const NEVER_ALLOWED: usize = 2 << 30;

/// How much is unpacked at a time, at least and at most.
const SMALLEST_PIECE: usize = 64 << 10;
const LARGEST_PIECE: usize = 4 << 20;

/// The longest line of a text opcode (names, numbers and text of protocol 0).
const LONGEST_LINE: usize = 1 << 20;

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
    /// How many bytes the uncompressed file may have at most.
    limit: usize,
    /// How many bytes the file has as it lies on disk.
    size: usize,
    /// What the decoder of a compressed file takes.
    decoder: usize,
}

impl<'a> Source<'a> {
    /// Looks at the first bytes and makes ready to unpack what they announce.
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
                limit: size.saturating_mul(LARGEST_RATIO).clamp(ALWAYS_ALLOWED, NEVER_ALLOWED),
                size,
            },
        })
    }

    /// How many bytes the file has as it lies on disk, compressed or not.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The byte that is read next.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes of a span that was taken before.
    pub(super) fn get(&self, span: &Range<usize>) -> &[u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }

    /// Refuses a length that the rest of the file cannot have.
    pub(super) fn claim(&self, length: u64) -> Result<usize> {
        let left = self.limit - self.position;
        match usize::try_from(length) {
            Ok(length) if length <= left => Ok(length),
            _ if self.packed.is_some() => Err(self.error(format!(
                "{length} bytes are announced; a compressed file of this size is unpacked to at most {} bytes (if it is honest, \
                 dump it without compress=)",
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

    /// Takes as many bytes as the `WIDTH` bytes before them say.
    pub(super) fn counted<const WIDTH: usize>(&mut self) -> Result<Range<usize>> {
        let length = self.unsigned::<WIDTH>()?;
        self.take(length)
    }

    /// Takes the bytes up to the next line break, which is left out of the span.
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
            if searched - start > LONGEST_LINE {
                return Err(self.error(format!("a line of text is longer than {LONGEST_LINE} bytes")));
            }
            if searched >= self.limit {
                return Err(self.cut_off());
            }
            self.unpack_to(searched + 1)?;
        }
    }

    /// Unpacks until the uncompressed file reaches to `end`, which is within the limit.
    fn unpack_to(&mut self, end: usize) -> Result<()> {
        while self.bytes.len() < end {
            let have = self.bytes.len();
            let piece = have.clamp(SMALLEST_PIECE, LARGEST_PIECE).min(self.limit - have);
            if self.packed.is_some() {
                make_room(&mut self.bytes, piece, self.allowance)?;
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

    /// Unpacks what is left of a compressed file without keeping it, so that its checksum is compared, and gives the
    /// bytes that were read.
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

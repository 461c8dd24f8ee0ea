//! The compressions that joblib writes, recognised by their first bytes.
//!
//! joblib's table is `joblib.compressor._COMPRESSORS`; it matches the bytes and never the file's name.

use std::io::{BufRead, Cursor, Error as IoError, ErrorKind, Read, Result as IoResult};

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::{Error, Place, Result};

/// A compressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Zlib,
    Gzip,
    Bzip2,
    /// The old `.lzma` format.
    Lzma,
    Xz,
    /// The LZ4 frame format.
    Lz4,
}

/// The largest dictionary that an lzma or xz stream may ask for, in KiB: preset 9 has 64 MiB.
const LZMA_MEMORY_KIB: u32 = 64 << 10;

/// Detects the compression by the first bytes.
///
/// # Errors
/// If the first bytes are those of another kind of file.
pub(super) fn detect(bytes: &[u8]) -> Result<Option<Format>> {
    let foreign = |message: &str| Err(Error::bad_artifact(message).at(Place::byte(0)));
    match bytes {
        [b'Z', b'F', ..] => {
            foreign("this file was written by joblib before 0.10; load and dump it with a newer joblib")
        }
        [b'P', b'K', 3 | 5, ..] => foreign("this is a zip archive; expected a joblib file or a pickle"),
        [0x78, ..] => Ok(Some(Format::Zlib)),
        [0x1F, 0x8B, ..] => Ok(Some(Format::Gzip)),
        [b'B', b'Z', ..] => Ok(Some(Format::Bzip2)),
        [0x5D, 0x00, ..] => Ok(Some(Format::Lzma)),
        [0xFD, b'7', b'z', b'X', b'Z', ..] => Ok(Some(Format::Xz)),
        [0x04, 0x22, 0x4D, 0x18, ..] => Ok(Some(Format::Lz4)),
        _ => Ok(None),
    }
}

/// The memory of a decoder in bytes: mostly the dictionary that the stream's header asks for.
pub(super) fn memory(format: Format, bytes: &[u8]) -> usize {
    // Code tables, windows and blocks: zlib.net/zlib_tech.html, the man page of bzip2, and twice LZ4's largest block.
    const DEFLATE: usize = 64 << 10;
    const BZIP2: usize = 4 << 20;
    const LZ4: usize = 8 << 20;
    const LZMA: usize = 256 << 10;
    match format {
        Format::Zlib | Format::Gzip => DEFLATE,
        Format::Bzip2 => BZIP2,
        Format::Lz4 => LZ4,
        Format::Lzma | Format::Xz => LZMA + dictionary(format, bytes),
    }
}

/// The dictionary that a stream asks for in bytes, or the largest one allowed if its header does not tell.
fn dictionary(format: Format, bytes: &[u8]) -> usize {
    const MAX_BYTES: usize = (LZMA_MEMORY_KIB as usize) << 10;
    let size = match format {
        // Properties, then the size in four bytes (lzma-file-format.txt of XZ Utils).
        Format::Lzma => bytes.get(1..5).and_then(|size| Some(u32::from_le_bytes(size.try_into().ok()?) as usize)),
        // A header of 12 bytes, then the first block's, whose only filter is LZMA2 (0x21) with one byte of properties
        // (tukaani.org/xz/xz-file-format.txt, 3.1 and 5.3.1). Sizes may precede it.
        _ => bytes.get(13..32).and_then(|block| match block {
            [0x00, 0x21, 0x01, size, ..] if *size < 40 => Some((2 | usize::from(size & 1)) << (size / 2 + 11)),
            _ => None,
        }),
    };
    size.unwrap_or(MAX_BYTES).min(MAX_BYTES)
}

/// A reader of the uncompressed bytes. A cut-off stream or a wrong checksum is an error of its `read`.
pub(super) fn decoder(format: Format, bytes: Vec<u8>) -> Result<Box<dyn Read>> {
    let limit = (dictionary(format, &bytes) >> 10) as u32 + 1024;
    let bytes = Cursor::new(bytes);
    Ok(match format {
        Format::Zlib => Box::new(Zlib { packed: bytes, inflate: Decompress::new(true), ended: false }),
        Format::Gzip => Box::new(flate2::bufread::GzDecoder::new(bytes)),
        Format::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(bytes)),
        Format::Lzma => Box::new(lzma_rust2::LzmaReader::new_mem_limit(bytes, limit, None).map_err(damaged)?),
        // Later blocks may not ask for a larger dictionary than the first.
        Format::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(bytes, false, limit)),
        Format::Lz4 => {
            Box::new(Lz4 { frame: lz4_flex::frame::FrameDecoder::new(Ending { bytes, reached: false }), ended: false })
        }
    })
}

/// Turns a decoder's error into one that describes the file.
pub(super) fn damaged(error: IoError) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::bad_artifact("the compressed file is cut off").caused_by(error),
        ErrorKind::OutOfMemory => {
            Error::bad_artifact("the compressed file asks for too large a dictionary").caused_by(error)
        }
        _ => Error::bad_artifact("the compressed file is damaged").caused_by(error),
    }
}

/// A zlib stream. `flate2`'s own reader accepts the end of its input as the end of the stream and so misses that a
/// file is cut off; this one ends only where the stream does, after its checksum.
struct Zlib {
    packed: Cursor<Vec<u8>>,
    inflate: Decompress,
    ended: bool,
}

impl Read for Zlib {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.ended {
            let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(self.packed.fill_buf()?, buffer, FlushDecompress::None)?;
            let read = self.inflate.total_in() - read_before;
            let written = self.inflate.total_out() - written_before;
            self.packed.consume(read as usize);
            self.ended = status == Status::StreamEnd;
            if written > 0 {
                return Ok(written as usize);
            }
            if read == 0 && !self.ended {
                return Err(IoError::new(ErrorKind::UnexpectedEof, "the zlib stream does not end"));
            }
        }
        Ok(0)
    }
}

/// An LZ4 frame. `lz4_flex` accepts the end of its input between two blocks as the end of the frame; a complete frame
/// has an end mark, after which its decoder asks for no more bytes.
struct Lz4 {
    frame: lz4_flex::frame::FrameDecoder<Ending>,
    ended: bool,
}

impl Read for Lz4 {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.frame.read(buffer)?;
        self.ended = read == 0;
        if self.ended && self.frame.get_ref().reached {
            return Err(IoError::new(ErrorKind::UnexpectedEof, "the LZ4 frame does not end"));
        }
        Ok(read)
    }
}

/// Bytes that record whether a read went past their end.
struct Ending {
    bytes: Cursor<Vec<u8>>,
    reached: bool,
}

impl Read for Ending {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let read = self.bytes.read(buffer)?;
        self.reached |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

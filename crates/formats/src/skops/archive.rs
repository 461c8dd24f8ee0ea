//! The zip archive of a skops model (APPNOTE.TXT 6.3.10), as Python's `zipfile` writes it: files stored or deflated,
//! with their sizes in the directory.
//!
//! The whole directory is kept in memory, a few words for each file, whose entry in the archive has 46 bytes. The
//! unpacked size of a file is checked against the size of the archive before it is unpacked.

use std::borrow::Cow;
use std::io::Read as _;
use std::ops::Range;

use byoc_account::{Allowance, LeasedGrowth as _};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::error;
use crate::error::Result;

const END: &[u8; 4] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const MAX_COMMENT_LENGTH: usize = 0xFFFF;
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// A zip archive with more files needs 64-bit records, which are not supported.
const MAX_FILES: usize = 0xFFFE;

/// How much all files together may unpack to, with the same limits as for a compressed pickle.
const ALWAYS_ALLOWED: usize = 32 << 20;
const MAX_RATIO: usize = 100;
const NEVER_ALLOWED: usize = 2 << 30;

/// The memory of a decoder of deflate in bytes, without its output.
const DECODER: usize = 64 << 10;

/// The files of an archive, by name.
pub(super) struct Archive<'b> {
    bytes: &'b [u8],
    members: Vec<Member>,
    /// The number of bytes that may still be unpacked.
    left: usize,
}

struct Member {
    name: Range<usize>,
    is_deflated: bool,
    checksum: u32,
    packed: usize,
    size: usize,
    header: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok().filter(|size| *size != u32::MAX as usize)
}

/// The span of the directory, and the number of its files.
fn directory(bytes: &[u8]) -> Option<(Range<usize>, usize)> {
    let first = bytes.len().saturating_sub(END_BYTES + MAX_COMMENT_LENGTH);
    let mut ends = memchr::memmem::rfind_iter(bytes.get(first..)?, END);
    let end = ends.find_map(|at| {
        let end = bytes.get(first + at..)?;
        (END_BYTES + u16_at(end, 20)? == end.len()).then_some(end)
    })?;
    let (size, start) = (size_at(end, 12)?, size_at(end, 16)?);
    let span = start..start.checked_add(size)?;
    bytes.get(span.clone())?;
    Some((span, u16_at(end, 10)?))
}

/// Whether bytes are an archive with a file `name`, such as the `schema.json` of a skops model.
pub(super) fn has_schema(bytes: &[u8], name: &str) -> bool {
    let Some((span, _)) = directory(bytes) else { return false };
    bytes.get(span).is_some_and(|directory| memchr::memmem::find(directory, name.as_bytes()).is_some())
}

impl<'b> Archive<'b> {
    /// Reads the directory.
    pub(super) fn open(bytes: &'b [u8], allowance: &Allowance) -> Result<Archive<'b>> {
        let broken = || error("the directory of the zip archive is cut off or damaged");
        let (span, count) = directory(bytes).ok_or_else(broken)?;
        let length = span.len();
        if count > MAX_FILES || count.saturating_mul(ENTRY_BYTES) > length {
            return Err(error(format!("the zip archive announces {count} files in a directory of {length} bytes")));
        }
        let mut members = Vec::new();
        members.reserve_exact_leased(count, allowance)?;
        let mut at = span.start;
        for _ in 0..count {
            let member = Member::read(bytes, at, span.end).ok_or_else(broken)?;
            let (member, next) = member?;
            members.push(member);
            at = next;
        }
        members
            .sort_unstable_by(|one: &Member, other: &Member| bytes[one.name.clone()].cmp(&bytes[other.name.clone()]));
        if let Some([twice, _]) = members
            .windows(2)
            .find(|pair| matches!(pair, [one, other] if bytes[one.name.clone()] == bytes[other.name.clone()]))
        {
            let name = String::from_utf8_lossy(&bytes[twice.name.clone()]);
            return Err(error(format!("the zip archive has two files named {:?}", shortened(&name))));
        }
        let left = bytes.len().saturating_mul(MAX_RATIO).clamp(ALWAYS_ALLOWED, NEVER_ALLOWED);
        Ok(Archive { bytes, members, left })
    }

    /// The index of the file of a name.
    pub(super) fn find(&self, name: &str) -> Result<usize> {
        let found = self.members.binary_search_by(|member| self.bytes[member.name.clone()].cmp(name.as_bytes()));
        found.map_err(|_| error(format!("the zip archive has no file {:?}", shortened(name))))
    }

    /// The bytes of a file. The caller must already hold the memory for them ([`Archive::memory`]).
    pub(super) fn read(&mut self, file: usize, allowance: &Allowance) -> Result<Cow<'b, [u8]>> {
        let member = &self.members[file];
        let name = String::from_utf8_lossy(&self.bytes[member.name.clone()]);
        let at = |message: &str| error(format!("{:?} in the zip archive {message}", shortened(&name)));
        let packed = member.data(self.bytes).ok_or_else(|| at("is cut off, or has another name in its own header"))?;
        let size = member.size;
        self.left = self.left.checked_sub(size).ok_or_else(|| {
            at("and those before it unpack to more than an honest model of this size does (dump it without compression)")
        })?;
        let unpacked = if member.is_deflated {
            let _held = allowance.hold(DECODER)?;
            // One more byte, to reach the end of the stream, and the capacity that `read_to_end` needs to detect it.
            let mut unpacked = Vec::new();
            unpacked.try_reserve_exact(size + 64).map_err(|_| at("does not fit into memory"))?;
            DeflateDecoder::new(packed)
                .take(size as u64 + 1)
                .read_to_end(&mut unpacked)
                .map_err(|_| at("is damaged: it cannot be inflated"))?;
            Cow::Owned(unpacked)
        } else {
            Cow::Borrowed(packed)
        };
        let mut checksum = Crc::new();
        checksum.update(&unpacked);
        if unpacked.len() != size || checksum.sum() != member.checksum {
            return Err(at("is damaged: its length or checksum differs from what the archive says"));
        }
        Ok(unpacked)
    }

    /// The memory of a file in bytes, beside the archive.
    pub(super) fn memory(&self, file: usize) -> usize {
        self.members.get(file).filter(|member| member.is_deflated).map_or(0, |member| member.size.saturating_add(64))
    }

    /// Gives the memory of the directory back.
    pub(super) fn done(self, allowance: &Allowance) {
        allowance.give_back_items::<Member>(self.members.capacity());
    }
}

impl Member {
    /// The entry at a byte of the directory, and where the next one begins; `None` if the directory is cut off or
    /// damaged there.
    fn read(bytes: &[u8], at: usize, end: usize) -> Option<Result<(Member, usize)>> {
        let entry = bytes.get(at..end)?;
        if !entry.starts_with(ENTRY) {
            return None;
        }
        let name = at + ENTRY_BYTES..at + ENTRY_BYTES + u16_at(entry, 28)?;
        let next = name.end + u16_at(entry, 30)? + u16_at(entry, 32)?;
        if next > end {
            return None;
        }
        let is_encrypted = u16_at(entry, 8)? & 1 != 0;
        let (packed, size) = (size_at(entry, 20)?, size_at(entry, 24)?);
        let is_deflated = match (u16_at(entry, 10)?, is_encrypted) {
            (0, false) if packed == size => false,
            (8, false) => true,
            _ => {
                let name = String::from_utf8_lossy(&bytes[name]).into_owned();
                return Some(Err(error(format!(
                    "{:?} in the zip archive is neither stored nor deflated: dump the model without another \
                     compression",
                    shortened(&name)
                ))));
            }
        };
        let member =
            Member { name, is_deflated, checksum: u32_at(entry, 16)?, packed, size, header: size_at(entry, 42)? };
        Some(Ok((member, next)))
    }

    /// The bytes of the file as stored in the archive.
    fn data<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let local = bytes.get(self.header..)?;
        if !local.starts_with(LOCAL) {
            return None;
        }
        let (name, extra) = (u16_at(local, 26)?, u16_at(local, 28)?);
        if local.get(LOCAL_BYTES..LOCAL_BYTES + name)? != bytes.get(self.name.clone())? {
            return None;
        }
        local.get(LOCAL_BYTES + name + extra..)?.get(..self.packed)
    }
}

/// A name, shortened for a message.
fn shortened(name: &str) -> &str {
    const MAX_LENGTH: usize = 80;
    name.get(..name.floor_char_boundary(MAX_LENGTH)).unwrap_or(name)
}

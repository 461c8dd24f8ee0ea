//! Finds the next record in the window: where its frame ends, and which bytes of it are data.

use std::io::Read;
use std::ops::Range;

use super::window::Window;
use super::{SplitType, too_large};
use crate::error::{Error, Result};
use byoc_formats::error::Place;

/// A record at the start of the window.
pub(super) struct Record {
    /// Its length in bytes with its frame or line end.
    pub(super) framed: usize,
    /// The bytes that a container receives if this record is sent alone.
    pub(super) data: Data,
}

pub(super) enum Data {
    /// A range of the window.
    At(Range<usize>),
    /// Joined from several parts.
    Joined(Vec<u8>),
}

impl Record {
    /// The next record of at most `most` bytes; `number` is its number in messages.
    pub(super) fn next<R: Read>(
        window: &mut Window<R>,
        split: SplitType,
        most: usize,
        number: u64,
    ) -> Result<Option<Record>> {
        match split {
            SplitType::None => whole(window, most),
            SplitType::Line => line(window, most, number),
            SplitType::RecordIo => record_io(window, most, number),
            SplitType::TfRecord => tf_record(window, most, number),
        }
    }
}

fn whole<R: Read>(window: &mut Window<R>, most: usize) -> Result<Option<Record>> {
    let length = window.want(most + 1)?.len();
    if length > most {
        return Err(Error::bad_payload(format!(
            "the object has more than the {most} bytes of MaxPayloadInMB: give a SplitType, or a MaxPayloadInMB of 0 \
             to stream it"
        )));
    }
    Ok((length > 0).then_some(Record { framed: length, data: Data::At(0..length) }))
}

/// A line, with its line end as frame. Blank lines are skipped.
fn line<R: Read>(window: &mut Window<R>, most: usize, number: u64) -> Result<Option<Record>> {
    let mut searched = 0;
    loop {
        let bytes = window.bytes();
        let found = memchr::memchr(b'\n', bytes.get(searched..).unwrap_or_default());
        let (text, framed) = match found {
            Some(end) => (searched + end, searched + end + 1),
            None if window.at_end() && bytes.is_empty() => return Ok(None),
            None if window.at_end() => (bytes.len(), bytes.len()),
            None if bytes.len() > most + 1 => return Err(too_large(window.offset(), number, most)),
            None => {
                searched = bytes.len();
                window.more()?;
                continue;
            }
        };
        let line = bytes.get(..text).unwrap_or_default();
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if super::super::processing::is_blank(text) {
            window.skip(framed);
            searched = 0;
            continue;
        }
        if text.len() > most {
            return Err(too_large(window.offset(), number, most));
        }
        return Ok(Some(Record { framed, data: Data::At(0..text.len()) }));
    }
}

/// The number at the start of a RecordIO frame. A record that contains it is split there into parts
/// (apache/mxnet, 3rdparty/dmlc-core/include/dmlc/recordio.h).
const MAGIC: [u8; 4] = 0xCED7_230A_u32.to_le_bytes();

fn record_io<R: Read>(window: &mut Window<R>, most: usize, number: u64) -> Result<Option<Record>> {
    let offset = window.offset();
    let wrong = |at: usize, message: String| {
        Error::bad_payload(message).at(Place::row(number as usize).at_byte(offset as usize + at))
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    loop {
        let bytes = window.want(at + 8)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let Some((head, _)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) else {
            return Err(wrong(at, format!("expected a RecordIO frame, found {} bytes to the end", bytes.len() - at)));
        };
        let [a, b, c, d, e, f, g, h] = *head;
        if [a, b, c, d] != MAGIC {
            return Err(wrong(
                at,
                format!(
                    "expected the number {:#x} at the start of a RecordIO frame, found {:#x}",
                    u32::from_le_bytes(MAGIC),
                    u32::from_le_bytes([a, b, c, d])
                ),
            ));
        }
        let word = u32::from_le_bytes([e, f, g, h]);
        let (flag, length) = (word >> 29, (word & ((1 << 29) - 1)) as usize);
        if at + 8 + length > most {
            return Err(too_large(offset, number, most));
        }
        // 0: a whole record, 1: its first part, 2: a middle part, 3: the last part.
        let is_first = parts.is_empty();
        if flag > 3 || is_first != (flag < 2) {
            return Err(wrong(at, format!("expected a RecordIO frame, found one with the flag {flag} out of order")));
        }
        let padded = length.next_multiple_of(4);
        let found = window.want(at + 8 + padded)?.len();
        if found < at + 8 + length {
            return Err(wrong(at, format!("expected a record of {length} bytes, found {} to the end", found - at - 8)));
        }
        parts.push(at + 8..at + 8 + length);
        // The padding after the last record may be missing.
        at = (at + 8 + padded).min(found);
        if matches!(flag, 0 | 3) {
            break;
        }
    }
    let data = match parts.as_slice() {
        [part] => Data::At(part.clone()),
        parts => {
            let bytes = window.bytes();
            let parts: Vec<&[u8]> = parts.iter().map(|part| bytes.get(part.clone()).unwrap_or_default()).collect();
            Data::Joined(parts.join(&MAGIC[..]))
        }
    };
    Ok(Some(Record { framed: at, data }))
}

/// A length, its checksum, the record and its checksum
/// (tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
fn tf_record<R: Read>(window: &mut Window<R>, most: usize, number: u64) -> Result<Option<Record>> {
    const HEAD: usize = 12;
    const TAIL: usize = 4;
    let offset = window.offset();
    let wrong = |message: String| Error::bad_payload(message).at(Place::row(number as usize).at_byte(offset as usize));
    let bytes = window.want(HEAD)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let head = bytes.split_first_chunk::<8>().and_then(|(length, rest)| Some((length, rest.first_chunk::<4>()?)));
    let Some((length, checksum)) = head else {
        return Err(wrong(format!("expected a TFRecord, found {} bytes to the end", bytes.len())));
    };
    if masked(length) != u32::from_le_bytes(*checksum) {
        return Err(wrong("expected a TFRecord, found a length whose checksum is wrong".to_owned()));
    }
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > most.saturating_sub(HEAD + TAIL) {
        return Err(too_large(offset, number, most));
    }
    let bytes = window.want(HEAD + length + TAIL)?;
    let data = HEAD..HEAD + length;
    let record = bytes.get(data.clone());
    let checksum = bytes.get(data.end..).and_then(|rest| rest.first_chunk::<4>());
    match (record, checksum) {
        (Some(record), Some(checksum)) if masked(record) == u32::from_le_bytes(*checksum) => {
            Ok(Some(Record { framed: data.end + TAIL, data: Data::At(data) }))
        }
        (Some(_), Some(_)) => Err(wrong("the TFRecord is damaged: its checksum is wrong".to_owned())),
        (Some(_), None) => Err(wrong(format!(
            "expected a TFRecord of {length} bytes and the {TAIL} bytes of its checksum, found {} of the checksum to \
             the end",
            bytes.len() - data.end
        ))),
        (None, _) => {
            Err(wrong(format!("expected a TFRecord of {length} bytes, found {} to the end", bytes.len() - HEAD)))
        }
    }
}

/// The masked CRC-32C of TFRecords: rotated, with a constant added.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32 with Castagnoli's polynomial, reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        let index = (crc as u8 ^ byte) as usize;
        crc >> 8 ^ TABLE.get(index).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc32c() {
        // The check value from the catalogue of CRC algorithms.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}

//! The payload of one request, and which records of the object it contains.

use std::sync::Arc;

use bytes::Bytes;

use super::{SplitType, malformed_at, place};
use crate::error::{Error, Result};
use crate::transform::processing::{DataProcessing, is_blank};

/// One or more whole records of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transform) struct Payload {
    /// The request body.
    pub(in crate::transform) body: Bytes,
    /// The length of the header line in the body, and its offset in the object.
    pub(super) header: usize,
    pub(super) header_from: u64,
    /// The number of the first record in the object, counted from 1.
    pub(in crate::transform) first: u64,
    /// The number of records.
    pub(in crate::transform) count: u64,
    /// Their start in the object, after decompression.
    pub(in crate::transform) from: u64,
    /// Their end in the object.
    pub(in crate::transform) to: u64,
    /// The records before the input filter, if the filter changes them and the join needs them.
    pub(super) unfiltered: Option<Bytes>,
    pub(super) contents: Contents,
    pub(super) split: SplitType,
    pub(super) starts: Starts,
}

/// How the body was made from the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transform) enum Contents {
    /// Bytes of the object, except for line ends.
    OfObject,
    /// The output of the input filter.
    Filtered,
    /// The content of a frame.
    Unframed,
}

/// Offsets of a payload's records in the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// Offsets in the body, which is a copy of these bytes of the object.
    AsInBody,
    /// There.
    At(Arc<[u64]>),
}

impl Payload {
    /// The body without the header line.
    fn text(&self) -> &[u8] {
        self.body.get(self.header..).unwrap_or_default()
    }

    /// The records as they are in the object.
    ///
    /// # Errors
    /// If something is not a record.
    pub(in crate::transform) fn records(&self, processing: &DataProcessing) -> Result<Vec<&[u8]>, String> {
        let text = self.unfiltered.as_deref().unwrap_or_else(|| self.text());
        match self.split {
            SplitType::Line => Ok(lines(text).map(|(_, line)| line).collect()),
            _ => processing.records(text),
        }
    }

    /// Checks that the lines are valid records.
    ///
    /// # Errors
    /// The first invalid one, with its number and position.
    pub(super) fn check(&self, processing: &DataProcessing) -> Result<()> {
        if memchr::memchr2(b'"', b'\r', self.text()).is_none() {
            return Ok(());
        }
        for (index, (start, line)) in lines(self.text()).enumerate() {
            let Err(malformed) = processing.check(line) else { continue };
            let from = match &self.starts {
                Starts::AsInBody => self.from + start as u64,
                Starts::At(starts) => starts.get(index).copied().unwrap_or(self.from),
            };
            let message = malformed_at(&malformed, None, from);
            return Err(Error::bad_payload(message).at(place(self.first + index as u64, from)));
        }
        Ok(())
    }

    /// The offset of a record in the object; `index` counts from 0.
    pub(in crate::transform) fn byte_of(&self, index: usize) -> Option<u64> {
        match &self.starts {
            Starts::AsInBody => lines(self.text()).nth(index).map(|(start, _)| self.from + start as u64),
            Starts::At(starts) => starts.get(index).copied(),
        }
    }

    /// The offset in the object of a byte of the body, and the record that contains it, counted from 0. `None` if the
    /// body was filtered or taken from a frame.
    pub(in crate::transform) fn of_object(&self, byte: usize) -> Option<(u64, Option<usize>)> {
        if self.contents != Contents::OfObject {
            return None;
        }
        let Some(byte) = byte.checked_sub(self.header) else { return Some((self.header_from + byte as u64, None)) };
        match (self.split, &self.starts) {
            (SplitType::Line, starts) => {
                let (index, (start, _)) =
                    lines(self.text()).enumerate().take_while(|(_, (start, _))| *start <= byte).last()?;
                let from = match starts {
                    Starts::AsInBody => self.from + start as u64,
                    Starts::At(starts) => *starts.get(index)?,
                };
                Some((from + (byte - start) as u64, Some(index)))
            }
            _ => Some((self.from + (self.header + byte) as u64, None)),
        }
    }

    /// Whether the object is one record. Otherwise the rows that the container counts are the object's records.
    pub(in crate::transform) fn is_whole_object(&self) -> bool {
        self.split == SplitType::None
    }

    /// Whether the container received filtered records.
    pub(in crate::transform) fn is_filtered(&self) -> bool {
        self.contents == Contents::Filtered
    }
}

/// Removes blank lines; returns the rest and where each line begins, or `None` if there are no blank lines.
pub(super) fn without_blank_lines(text: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    if !pieces(text).any(|(_, line)| is_blank(line)) {
        return None;
    }
    let (mut left, mut at) = (Vec::with_capacity(text.len()), Vec::new());
    for (start, line) in lines(text) {
        if !at.is_empty() {
            left.push(b'\n');
        }
        at.push(start);
        left.extend_from_slice(line);
    }
    Some((left, at))
}

/// Lines that are not blank, without their line ends, and their offsets.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    pieces(text).filter(|(_, line)| !is_blank(line))
}

/// The text between line ends, and its offset.
fn pieces(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text).chain([text.len()]).map(move |end| {
        let at = std::mem::replace(&mut start, end + 1);
        let line = text.get(at..end).unwrap_or_default();
        (at, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

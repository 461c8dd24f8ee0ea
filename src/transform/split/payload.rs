//! What is sent to the container at once, and which records of the object that is.

use std::sync::Arc;

use bytes::Bytes;

use super::{SplitType, malformed_at, place};
use crate::error::{Error, Result};
use crate::transform::processing::{DataProcessing, is_blank};

/// Whole records of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transform) struct Payload {
    /// What the container gets.
    pub(in crate::transform) body: Bytes,
    /// How many bytes of it are the header line, and where that begins in the object.
    pub(super) header: usize,
    pub(super) header_from: u64,
    /// The number of the first record in the object, counted from 1.
    pub(in crate::transform) first: u64,
    /// How many records.
    pub(in crate::transform) count: u64,
    /// Where in the object they are (in the unpacked object, if it is compressed).
    pub(in crate::transform) from: u64,
    /// Where they end.
    pub(in crate::transform) to: u64,
    /// The records before the input filter, where that changes them and they are needed again.
    pub(super) unfiltered: Option<Bytes>,
    pub(super) contents: Contents,
    pub(super) split: SplitType,
    pub(super) starts: Starts,
}

/// What the records of a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transform) enum Contents {
    /// Bytes of the object, but for line ends.
    OfObject,
    /// What the input filter left of them.
    Filtered,
    /// What was in a frame.
    Unframed,
}

/// Where in the object the records of a payload begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// Where they begin in the body, which is these very bytes of the object.
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
    /// What is no record.
    pub(in crate::transform) fn records(&self, processing: &DataProcessing) -> Result<Vec<&[u8]>, String> {
        let text = self.unfiltered.as_deref().unwrap_or_else(|| self.text());
        match self.split {
            SplitType::Line => Ok(lines(text).map(|(_, line)| line).collect()),
            _ => processing.records(text),
        }
    }

    /// Sees to it that records that are lines are records.
    ///
    /// # Errors
    /// The first that is none, with its number and its place.
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

    /// Where in the object a record begins; `index` counts from 0.
    pub(in crate::transform) fn byte_of(&self, index: usize) -> Option<u64> {
        match &self.starts {
            Starts::AsInBody => lines(self.text()).nth(index).map(|(start, _)| self.from + start as u64),
            Starts::At(starts) => starts.get(index).copied(),
        }
    }

    /// Where in the object a byte of the body is, and the record that it is of, counted from 0. Nobody knows it of what a filter
    /// left or what was in a frame.
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

    /// What the container's rows are of the object: its records, where it is split; else rows of the one record that it is.
    pub(in crate::transform) fn is_whole_object(&self) -> bool {
        self.split == SplitType::None
    }

    /// Whether the container got what a filter left of the records.
    pub(in crate::transform) fn is_filtered(&self) -> bool {
        self.contents == Contents::Filtered
    }
}

/// What is left of lines as they lie without those of nothing but blanks, and where each begins; `None` where all are left.
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

/// Lines that have something in them, without their ends, and where they begin.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    pieces(text).filter(|(_, line)| !is_blank(line))
}

/// What lies between line ends, and where it begins.
fn pieces(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text).chain([text.len()]).map(move |end| {
        let at = std::mem::replace(&mut start, end + 1);
        let line = text.get(at..end).unwrap_or_default();
        (at, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

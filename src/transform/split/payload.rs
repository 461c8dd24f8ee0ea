//! What is sent to the container at once, and which records of the object that is.

use std::sync::Arc;

use bytes::Bytes;

use super::SplitType;
use crate::transform::processing::{DataProcessing, is_blank};

/// Whole records of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transform) struct Payload {
    /// What the container gets.
    pub(in crate::transform) body: Bytes,
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
    pub(super) split: SplitType,
    pub(super) starts: Starts,
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
    /// The records as they are in the object.
    ///
    /// # Errors
    /// What is no record.
    pub(in crate::transform) fn records(&self, processing: &DataProcessing) -> Result<Vec<&[u8]>, String> {
        let text = self.unfiltered.as_ref().unwrap_or(&self.body);
        match self.split {
            SplitType::Line => Ok(lines(text).map(|(_, line)| line).collect()),
            _ => processing.records(text),
        }
    }

    /// Where in the object a record begins; `index` counts from 0.
    pub(in crate::transform) fn byte_of(&self, index: usize) -> Option<u64> {
        match &self.starts {
            Starts::AsInBody => lines(&self.body).nth(index).map(|(start, _)| self.from + start as u64),
            Starts::At(starts) => starts.get(index).copied(),
        }
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

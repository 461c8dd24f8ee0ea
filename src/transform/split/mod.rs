//! Objects to payloads: cut into records, and as many of them packed together as a request may have.
//!
//! docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html (SplitType) and
//! API_CreateTransformJob.html (BatchStrategy, MaxPayloadInMB). A payload never has records of two objects.

mod payload;
mod record;
mod window;

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

pub(super) use payload::Payload;
use payload::{Starts, without_blank_lines};
use record::{Data, Record};
use window::Window;

use super::processing::{DataProcessing, is_blank};
use crate::error::{Error, Place, Result};

/// SplitType: what a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum SplitType {
    /// The whole object.
    #[default]
    None,
    /// A line.
    Line,
    /// A record in a RecordIO frame.
    #[serde(rename = "RecordIO")]
    RecordIo,
    /// A record of TensorFlow's.
    #[serde(rename = "TFRecord")]
    TfRecord,
}

/// The most bytes of a record that a filter has still to make smaller: as many as a payload can have at all.
const LONGEST_UNFILTERED: usize = 100 << 20;

/// BatchStrategy: how many records a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum BatchStrategy {
    /// As many as fit.
    MultiRecord,
    /// One.
    SingleRecord,
}

/// How payloads are made of objects.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    pub(super) split: SplitType,
    pub(super) strategy: BatchStrategy,
    /// The most bytes of a payload.
    pub(super) most: usize,
    /// No record is added to a payload beyond so many bytes; one that is larger alone has a payload of its own.
    pub(super) fill: usize,
    pub(super) processing: Option<Arc<DataProcessing>>,
}

/// Cuts one object.
pub(super) struct Cutter<R> {
    window: Window<R>,
    packing: Packing,
    /// How many records have been cut.
    records: u64,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(source: R, packing: Packing) -> Cutter<R> {
        Cutter { window: Window::new(source), packing, records: 0 }
    }

    /// The next payload, or none at the end of the object.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the record and the byte: a record that is none, is larger than a payload may
    /// be, or does not have what the input filter asks for.
    pub(super) fn next(&mut self) -> Result<Option<Payload>> {
        let as_they_are = self.packing.processing.as_ref().is_none_or(|processing| processing.leaves_input());
        match (self.packing.split, self.packing.strategy) {
            (SplitType::Line, BatchStrategy::MultiRecord) if as_they_are => self.lines(),
            _ => self.records(),
        }
    }

    /// As many whole lines as fit, as they lie there.
    fn lines(&mut self) -> Result<Option<Payload>> {
        loop {
            let Packing { most, fill, .. } = self.packing;
            // The end of the last line does not count, and need not be there.
            self.window.want(fill + 2)?;
            let mut ends = last_line_end(self.window.bytes(), fill, self.window.at_end());
            if ends.is_none() && fill < most {
                self.window.want(most + 2)?;
                ends = first_line_end(self.window.bytes(), most)
                    .or_else(|| last_line_end(self.window.bytes(), most, self.window.at_end()));
            }
            let bytes = self.window.bytes();
            if bytes.is_empty() {
                return Ok(None);
            }
            let (text, framed) = match ends {
                Some(ends) => ends,
                // Blanks at the end of an object are no record, however many they are.
                None if self.window.at_end() && is_blank(bytes) => return Ok(None),
                None => return Err(too_large(self.window.offset(), self.records + 1, most)),
            };
            let from = self.window.offset();
            let mut body = self.window.take(framed);
            body.truncate(text);
            // A line of nothing but blanks is no record: a container that answers each line would answer it.
            let (body, starts) = match without_blank_lines(&body) {
                None => (body, Starts::AsInBody),
                Some((body, starts)) => {
                    (body, Starts::At(starts.into_iter().map(|start| from + start as u64).collect()))
                }
            };
            let count = match &starts {
                Starts::AsInBody => memchr::memchr_iter(b'\n', &body).count() as u64 + 1,
                Starts::At(starts) => starts.len() as u64,
            };
            if count == 0 {
                continue;
            }
            let first = self.records + 1;
            self.records += count;
            return Ok(Some(Payload {
                body: Bytes::from(body),
                first,
                count,
                from,
                to: from + framed as u64,
                unfiltered: None,
                split: SplitType::Line,
                starts,
            }));
        }
    }

    /// Record by record.
    fn records(&mut self) -> Result<Option<Payload>> {
        let Packing { split, strategy, most, fill, .. } = self.packing;
        let (mut body, mut unfiltered, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        // What the filter leaves counts, and what it leaves may be little.
        let filters = self.packing.processing.as_ref().is_some_and(|processing| !processing.leaves_input());
        let longest = if filters { LONGEST_UNFILTERED } else { most };
        let (first, mut from, mut to) = (self.records + 1, None, self.window.offset());
        while let Some(record) = Record::next(&mut self.window, split, longest, self.records + 1)? {
            let offset = self.window.offset();
            let bytes = self.window.bytes();
            let data = match &record.data {
                Data::At(range) => bytes.get(range.clone()).unwrap_or_default(),
                Data::Joined(data) => data,
            };
            let number = self.records + 1;
            let at = |message: String| Error::bad_payload(message).at(place(number, offset));
            let sent = match (&self.packing.processing, split, strategy) {
                (Some(processing), SplitType::None, _) => whole_filtered(processing, data).map_err(at)?.into(),
                (Some(processing), ..) => processing.filter_input(data).map_err(at)?,
                (None, SplitType::RecordIo | SplitType::TfRecord, BatchStrategy::MultiRecord) => {
                    bytes.get(..record.framed).unwrap_or_default().into()
                }
                (None, ..) => data.into(),
            };
            if sent.len() > most {
                return Err(too_large(offset, number, most));
            }
            let is_text = matches!(split, SplitType::Line);
            let separator = usize::from(is_text && !body.is_empty());
            if body.len() + separator + sent.len() > fill && from.is_some() {
                break;
            }
            let keeps = self.packing.processing.as_ref().filter(|processing| processing.keeps_input());
            if keeps.is_some_and(|processing| !processing.leaves_input()) {
                unfiltered.extend_from_slice(data);
                if is_text {
                    unfiltered.push(b'\n');
                }
            }
            if separator > 0 {
                body.push(b'\n');
            }
            body.extend_from_slice(&sent);
            from.get_or_insert(offset);
            starts.push(offset);
            self.records += 1;
            to = offset + record.framed as u64;
            self.window.skip(record.framed);
            if strategy == BatchStrategy::SingleRecord || split == SplitType::None {
                break;
            }
        }
        let Some(from) = from else { return Ok(None) };
        let unfiltered = (!unfiltered.is_empty()).then(|| Bytes::from(unfiltered));
        let count = self.records + 1 - first;
        let starts = Starts::At(starts.into());
        Ok(Some(Payload { body: Bytes::from(body), first, count, from, to, unfiltered, split, starts }))
    }
}

/// How many lines a text has that are more than blanks.
pub(super) fn lines(text: &[u8]) -> u64 {
    payload::lines(text).count() as u64
}

/// What the container sees of an object that is not split: its records filtered, one a line.
fn whole_filtered(processing: &DataProcessing, object: &[u8]) -> Result<Vec<u8>, String> {
    if processing.leaves_input() {
        return Ok(object.to_vec());
    }
    let mut sent = Vec::with_capacity(object.len());
    for (index, record) in processing.records(object)?.into_iter().enumerate() {
        let filtered =
            processing.filter_input(record).map_err(|message| format!("{message} (its row {})", index + 1))?;
        sent.extend_from_slice(&filtered);
        sent.push(b'\n');
    }
    Ok(sent)
}

/// Where the last line that fits ends, without and with its line end.
fn last_line_end(bytes: &[u8], most: usize, at_end: bool) -> Option<(usize, usize)> {
    if at_end {
        let text = without_carriage_return(bytes, bytes.strip_suffix(b"\n").unwrap_or(bytes).len());
        if text <= most {
            return Some((text, bytes.len()));
        }
    }
    let ends = memchr::memrchr_iter(b'\n', bytes);
    ends.map(|end| (without_carriage_return(bytes, end), end + 1)).find(|(text, _)| *text <= most)
}

/// The same of the first line, if it fits.
fn first_line_end(bytes: &[u8], most: usize) -> Option<(usize, usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((without_carriage_return(bytes, end), end + 1)).filter(|(text, _)| *text <= most)
}

/// Where a line's text ends whose line feed is at `end`.
fn without_carriage_return(bytes: &[u8], end: usize) -> usize {
    match bytes.get(..end) {
        Some([.., b'\r']) => end - 1,
        _ => end,
    }
}

fn place(record: u64, byte: u64) -> Place {
    Place::row(record as usize).at_byte(byte as usize)
}

fn too_large(offset: u64, number: u64, most: usize) -> Error {
    Error::bad_payload(format!("expected records of at most {most} bytes (MaxPayloadInMB), found a larger one"))
        .at(place(number, offset))
}

#[cfg(test)]
#[path = "split_test.rs"]
mod tests;

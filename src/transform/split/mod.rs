//! Splits objects into records and packs them into payloads.
//!
//! docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html (SplitType) and
//! API_CreateTransformJob.html (BatchStrategy, MaxPayloadInMB). A payload never mixes records of two objects.

mod header_line;
mod payload;
mod record;
mod window;

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

pub(super) use header_line::Header;
use header_line::HeaderLine;
pub(super) use payload::Payload;
use payload::{Contents, Starts, without_blank_lines};
use record::{Data, Record};
use window::Window;

use super::processing::{DataProcessing, Malformed, is_blank};
use crate::error::{Error, Result};
use crate::platform::batch_strategy::BatchStrategy;
use byoc_formats::error::Place;

/// SplitType: how an object is split into records.
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
    /// A TFRecord of TensorFlow.
    #[serde(rename = "TFRecord")]
    TfRecord,
}

/// The most bytes of a record before the input filter: the largest possible payload.
const MAX_UNFILTERED: usize = 100 << 20;

/// Some programs write this before text; it is not part of the text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How objects are split and packed into payloads.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    pub(super) split: SplitType,
    pub(super) strategy: BatchStrategy,
    /// The most bytes of a payload.
    pub(super) most: usize,
    /// The target size in bytes: no record is added beyond it; a single larger record is sent alone.
    pub(super) fill: usize,
    /// If objects have a header line, each payload begins with it, and its bytes count.
    pub(super) header: Header,
    pub(super) processing: Option<Arc<DataProcessing>>,
}

/// Splits one object into payloads.
pub(super) struct Cutter<R> {
    window: Window<R>,
    packing: Packing,
    /// The object's header line, once it was read.
    header: Option<HeaderLine>,
    /// The number of records so far.
    records: u64,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(source: R, packing: Packing) -> Cutter<R> {
        Cutter { window: Window::new(source), packing, header: None, records: 0 }
    }

    /// The next payload, or `None` at the end of the object.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the record and the byte: a record is invalid, is larger than a payload
    /// may be, or lacks an element that the input filter selects.
    pub(super) fn next(&mut self) -> Result<Option<Payload>> {
        if self.header.is_none() {
            let Packing { split, header, most, .. } = self.packing;
            if self.parses_text() && self.window.want(BYTE_ORDER_MARK.len())?.starts_with(BYTE_ORDER_MARK) {
                self.window.skip(BYTE_ORDER_MARK.len());
            }
            self.header = Some(match (split, header) {
                (SplitType::Line, Header::Present) => {
                    HeaderLine::take(&mut self.window, self.packing.processing.as_deref(), most)?
                }
                _ => HeaderLine::default(),
            });
        }
        match (self.packing.split, self.packing.strategy) {
            (SplitType::None, _) => self.whole(),
            (SplitType::Line, BatchStrategy::MultiRecord) if !self.filters() => self.lines(),
            _ => self.records(),
        }
    }

    /// Whether records or names are parsed. Then a byte order mark before them is skipped, as containers do.
    fn parses_text(&self) -> bool {
        match self.packing.split {
            SplitType::None => self.packing.processing.is_some(),
            SplitType::Line => self.packing.processing.is_some() || self.packing.header == Header::Present,
            SplitType::RecordIo | SplitType::TfRecord => false,
        }
    }

    fn filters(&self) -> bool {
        self.packing.processing.as_ref().is_some_and(|processing| !processing.leaves_input())
    }

    /// The most bytes of a record in the object. With an input filter, only the filtered size is limited by
    /// MaxPayloadInMB.
    fn longest(&self, most: usize) -> usize {
        if self.filters() { MAX_UNFILTERED } else { most }
    }

    fn record_budget(&self) -> RecordBudget {
        let header = self.header.clone().unwrap_or_default();
        let left = |bytes: usize| bytes.saturating_sub(header.sent.len());
        RecordBudget { most: left(self.packing.most), fill: left(self.packing.fill), header }
    }

    /// The error for a next record that is too large.
    fn too_large(&self, offset: u64) -> Error {
        let RecordBudget { header, most, .. } = self.record_budget();
        let error = too_large(offset, self.records + 1, most);
        match header.sent.len() {
            0 => error,
            bytes => error.context(format_args!("beside the header line of {bytes} bytes")),
        }
    }

    /// As many whole lines as fit, copied unchanged.
    fn lines(&mut self) -> Result<Option<Payload>> {
        let RecordBudget { header, most, fill } = self.record_budget();
        loop {
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
                // Blanks at the end of an object are not a record.
                None if self.window.at_end() && is_blank(bytes) => return Ok(None),
                None => return Err(self.too_large(self.window.offset())),
            };
            let from = self.window.offset();
            let mut body = self.window.take(framed);
            body.truncate(text);
            // A blank line is not a record, but a container that answers line by line might answer it.
            let (mut body, starts) = match without_blank_lines(&body) {
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
            body.splice(..0, header.sent.iter().copied());
            let payload = Payload {
                body: Bytes::from(body),
                header: header.sent.len(),
                header_from: header.from,
                first,
                count,
                from,
                to: from + framed as u64,
                unfiltered: None,
                contents: Contents::OfObject,
                split: SplitType::Line,
                starts,
            };
            if let Some(processing) = &self.packing.processing {
                payload.check(processing)?;
            }
            return Ok(Some(payload));
        }
    }

    /// The whole object.
    fn whole(&mut self) -> Result<Option<Payload>> {
        let Packing { most, header, .. } = self.packing;
        let longest = self.longest(most);
        let Some(record) = Record::next(&mut self.window, SplitType::None, longest, 1)? else { return Ok(None) };
        let from = self.window.offset();
        let object = self.window.take(record.framed);
        let object = Bytes::from(object);
        let length = object.len();
        let header = if header == Header::Present { header_line::length_in(&object) } else { 0 };
        let mut payload = Payload {
            body: object.clone(),
            header,
            header_from: from,
            first: 1,
            count: 1,
            from,
            to: from + length as u64,
            unfiltered: None,
            contents: Contents::OfObject,
            split: SplitType::None,
            starts: Starts::At([from].into()),
        };
        if let Some(processing) = &self.packing.processing {
            check_whole(processing, &object, header > 0, from)?;
            if !processing.leaves_input() {
                let at = |message| Error::bad_payload(message).at(place(1, from));
                let rows = whole_filtered(processing, &object).map_err(at)?;
                if header > 0 {
                    payload.header = rows.first().map_or(0, Vec::len);
                }
                payload.body = rows.concat().into();
                payload.contents = Contents::Filtered;
                payload.unfiltered = processing.keeps_input().then(|| object.slice(header..));
                if payload.body.len() > most {
                    return Err(too_large(from, 1, most));
                }
            }
        }
        self.records += 1;
        Ok(Some(payload))
    }

    /// Record by record.
    fn records(&mut self) -> Result<Option<Payload>> {
        let Packing { split, strategy, .. } = self.packing;
        let RecordBudget { header, most, fill } = self.record_budget();
        let processing = self.packing.processing.clone();
        let (mut body, mut unfiltered, mut starts) = (header.sent.clone(), Vec::new(), Vec::new());
        let filters = self.filters();
        let longest = self.longest(most);
        let keeps = processing.as_ref().is_some_and(|processing| processing.keeps_input()) && filters;
        let contents = match (filters, split, strategy) {
            (true, ..) => Contents::Filtered,
            (false, SplitType::RecordIo | SplitType::TfRecord, BatchStrategy::SingleRecord) => Contents::Unframed,
            _ => Contents::OfObject,
        };
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
            let sent = match (&processing, split, strategy) {
                (Some(processing), ..) => {
                    processing.check(data).map_err(|malformed| at(malformed_at(&malformed, None, offset)))?;
                    processing.filter_input(data).map_err(at)?
                }
                (None, SplitType::RecordIo | SplitType::TfRecord, BatchStrategy::MultiRecord) => {
                    bytes.get(..record.framed).unwrap_or_default().into()
                }
                (None, ..) => data.into(),
            };
            if sent.len() > most {
                return Err(self.too_large(offset));
            }
            let is_text = matches!(split, SplitType::Line);
            let held = body.len() - header.sent.len();
            let separator = usize::from(is_text && held > 0);
            if held + separator + sent.len() > fill && from.is_some() {
                break;
            }
            if keeps {
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
            if strategy == BatchStrategy::SingleRecord {
                break;
            }
        }
        let Some(from) = from else { return Ok(None) };
        Ok(Some(Payload {
            body: Bytes::from(body),
            header: header.sent.len(),
            header_from: header.from,
            first,
            count: self.records + 1 - first,
            from,
            to,
            unfiltered: (!unfiltered.is_empty()).then(|| Bytes::from(unfiltered)),
            contents,
            split,
            starts: Starts::At(starts.into()),
        }))
    }
}

/// The header line of a payload and the space that is left for its records, in bytes.
struct RecordBudget {
    header: HeaderLine,
    /// The most bytes of records.
    most: usize,
    /// The target size of the records.
    fill: usize,
}

/// The number of lines that are not blank.
pub(super) fn lines(text: &[u8]) -> u64 {
    payload::lines(text).count() as u64
}

/// The request body for an object that is not split: its filtered records, one per line.
fn whole_filtered(processing: &DataProcessing, object: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let filtered = processing.records(object)?.into_iter().enumerate().map(|(index, record)| {
        let filtered = processing.filter_input(record);
        let mut line = filtered.map_err(|message| format!("{message} (its row {})", index + 1))?.into_owned();
        line.push(b'\n');
        Ok(line)
    });
    filtered.collect()
}

/// Checks the rows of an object that is not split. `from` is its start, after a byte order mark.
fn check_whole(processing: &DataProcessing, object: &[u8], has_header: bool, from: u64) -> Result<()> {
    processing.check_rows(object).map_err(|(index, start, malformed)| {
        // Rows are counted without the header line, as containers count them.
        let row = (index + 1).checked_sub(usize::from(has_header)).filter(|&row| row > 0);
        Error::bad_payload(malformed_at(&malformed, row, from + start as u64)).at(place(1, from))
    })
}

/// The message for a malformed row that begins at a byte of the object.
fn malformed_at(malformed: &Malformed, row: Option<usize>, from: u64) -> String {
    let place = Place { row, column: Some(malformed.column), byte: Some(from as usize + malformed.at), name: None };
    format!("{malformed} ({place}): {}", malformed.advice())
}

/// The end of the last line that fits, without and with its line end.
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

/// The end of the first line, if it fits, without and with its line end.
fn first_line_end(bytes: &[u8], most: usize) -> Option<(usize, usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((without_carriage_return(bytes, end), end + 1)).filter(|(text, _)| *text <= most)
}

/// The end of a line's text, given its line feed at `end`.
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

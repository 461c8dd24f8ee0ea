//! An answer on its way to bytes, block of rows after block of rows.
//!
//! What a block may take as text is leased before it is written, and what it took stays leased with the answer. A block is
//! written where there is room for the longest text that it could be. Of a small answer each block is a piece, which gives
//! back the room that it did not need; those of a large one are put together to pieces that go back to the system when they
//! are sent. Nothing is moved for a larger room.

use crate::error::{Cause, Error, Result};
use crate::media_types::{MediaType, csv, json, jsonlines, npy, numeric_csv, recordio};
use crate::rows::features::Features;
use crate::rows::predictions::Predictions;
use crate::rows::{Estimates, EstimatesForm};
use byoc_account::{Allowance, Room as _};

/// Which part of an answer a body's rows make, where a body is answered piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whether no row was answered before.
    pub is_first: bool,
    /// Whether no row follows.
    pub is_last: bool,
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { is_first: true, is_last: true };
}

/// Writes an answer.
#[derive(Debug)]
pub struct AnswerWriter<'w> {
    media_type: MediaType,
    part: Part,
    /// How many rows there will be, which an array of numpy's says at its start.
    rows: usize,
    written: usize,
    allowance: &'w Allowance,
    /// The text of the last block.
    block: Vec<u8>,
    /// The text of the blocks before it.
    pieces: Vec<Vec<u8>>,
}

/// What a document of JSON has around its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `{"instances": [...]}`
    Instances,
    /// `{"predictions": [...]}`
    Predictions,
    /// `[...]`
    List,
}

impl Document {
    fn opening(self) -> &'static [u8] {
        match self {
            Document::Instances => b"{\"instances\": [",
            Document::Predictions => b"{\"predictions\": [",
            Document::List => b"[",
        }
    }

    /// What ends it after the last row.
    pub fn closing(self) -> &'static [u8] {
        match self {
            Document::Instances | Document::Predictions => b"]}",
            Document::List => b"]",
        }
    }
}

impl From<EstimatesForm> for Document {
    fn from(form: EstimatesForm) -> Document {
        match form {
            EstimatesForm::List => Document::List,
            EstimatesForm::Predictions => Document::Predictions,
        }
    }
}

/// How large a piece of an answer is that has more than so many bytes: the allocator gives it back to the system when it is
/// sent, whatever lies around it (`byoc_allocator::keep_some`).
const PIECE: usize = 2 << 20;

/// Room that is not worth giving back at the end.
const IDLE_ROOM: usize = 16 << 10;

impl<'w> AnswerWriter<'w> {
    /// An answer of so many rows.
    pub fn new(media_type: MediaType, rows: usize, part: Part, allowance: &'w Allowance) -> AnswerWriter<'w> {
        AnswerWriter { media_type, part, rows, written: 0, allowance, block: Vec::new(), pieces: Vec::new() }
    }

    /// Appends the features of some rows.
    ///
    /// # Errors
    /// [`Cause::NotWritable`] for text in a media type that holds numbers only, with the row and the column; and where
    /// there is no memory for the answer.
    pub fn features(&mut self, features: Features<'_>) -> Result<()> {
        let (media_type, rows, count) = (self.media_type, self.rows, features.table.rows);
        self.block(count, features.most_bytes(media_type), Document::Instances, |out, is_first| {
            match media_type {
                MediaType::Csv => csv::write(&features.into_table(), out),
                MediaType::Json => json::write_rows(&features.into_table(), is_first, out),
                MediaType::JsonLines => jsonlines::write_rows(&features.into_table(), out),
                MediaType::RecordIoProtobuf => recordio::write_features(&features, out)?,
                MediaType::Npy => npy::write_features(&features, is_first.then_some(rows), out)?,
            }
            Ok(())
        })
    }

    /// Appends an estimator's answers for some rows, in JSON and JSON Lines in a form.
    ///
    /// # Errors
    /// As [`AnswerWriter::features`].
    pub fn estimates(&mut self, estimates: Estimates<'_>, form: EstimatesForm) -> Result<()> {
        let (media_type, rows, count) = (self.media_type, self.rows, estimates.rows());
        self.block(count, estimates.most_bytes(media_type), form.into(), |out, is_first| {
            match (media_type, form) {
                (MediaType::Csv, _) => csv::write(&estimates.into_table(), out),
                (MediaType::Json, EstimatesForm::List) => json::write_values(&estimates, is_first, out),
                (MediaType::Json, EstimatesForm::Predictions) => json::write_estimates(&estimates, is_first, out),
                (MediaType::JsonLines, EstimatesForm::List) => jsonlines::write_values(&estimates, out),
                (MediaType::JsonLines, EstimatesForm::Predictions) => jsonlines::write_estimates(&estimates, out),
                (MediaType::Npy, _) => npy::write_estimates(estimates, is_first.then_some(rows), out)?,
                // Not among what can be asked for: the learner's records have a score always, and labels that are numbers.
                (MediaType::RecordIoProtobuf, _) => {
                    return Err(Error::new(Cause::NotWritable, "an estimator's answers are not written as records"));
                }
            }
            Ok(())
        })
    }

    /// Appends the linear learner's answers for some rows.
    ///
    /// # Errors
    /// When there is no memory for the answer.
    pub fn predictions(&mut self, predictions: &Predictions) -> Result<()> {
        let (media_type, rows) = (self.media_type, self.rows);
        self.block(predictions.len(), predictions.most_bytes(), Document::Predictions, |out, is_first| {
            match media_type {
                MediaType::Csv => numeric_csv::write_predictions(predictions, out),
                MediaType::Json => json::write_predictions(predictions, is_first, out),
                MediaType::JsonLines => jsonlines::write_predictions(predictions, out),
                MediaType::RecordIoProtobuf => recordio::write_predictions(predictions, out),
                MediaType::Npy => npy::write_predictions(predictions, is_first.then_some(rows), out),
            }
            Ok(())
        })
    }

    fn block(
        &mut self,
        rows: usize,
        most_bytes: usize,
        document: Document,
        write: impl FnOnce(&mut Vec<u8>, bool) -> Result<()>,
    ) -> Result<()> {
        self.allowance.check_time()?;
        self.keep_block()?;
        let (opening, closing) = (document.opening(), document.closing());
        self.block.make_room(most_bytes.saturating_add(opening.len() + closing.len()), self.allowance)?;
        let is_json = self.media_type == MediaType::Json;
        let is_first = self.part.is_first && self.written == 0;
        if is_json && is_first {
            self.block.extend_from_slice(opening);
        }
        write(&mut self.block, is_first)?;
        let is_first_of_part = self.written == 0;
        self.written += rows;
        if is_first_of_part {
            // It is not made in vain. With an eighth off: text may become shorter.
            self.allowance.check((self.rest() / 8 * 7) as u64)?;
        }
        if is_json && self.part.is_last && self.written >= self.rows {
            self.block.extend_from_slice(closing);
        }
        Ok(())
    }

    /// The bytes of the rows that are not written yet, if they are like those that are.
    fn rest(&self) -> usize {
        let left = self.rows.saturating_sub(self.written) as u128;
        usize::try_from(self.bytes() as u128 * left / self.written.max(1) as u128).unwrap_or(usize::MAX)
    }

    /// The bytes that are written.
    fn bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum::<usize>() + self.block.len()
    }

    /// Makes the text of the block part of the pieces.
    fn keep_block(&mut self) -> Result<()> {
        let rest = self.rest();
        if self.bytes().saturating_add(rest) < PIECE || (self.pieces.is_empty() && rest == 0) {
            let block = std::mem::take(&mut self.block);
            if !block.is_empty() {
                self.pieces.push(without_idle_room(block, self.allowance));
            }
            return Ok(());
        }
        let mut text = self.block.as_slice();
        while !text.is_empty() {
            let room = self.pieces.last().map_or(0, |last| last.capacity() - last.len());
            if room == 0 {
                let bytes = text.len().saturating_add(rest).min(PIECE);
                self.allowance.take(bytes)?;
                self.pieces.push(Vec::with_capacity(bytes));
            }
            if let Some(last) = self.pieces.last_mut() {
                let (now, later) = text.split_at(text.len().min(last.capacity() - last.len()));
                last.extend_from_slice(now);
                text = later;
            }
        }
        self.block.clear();
        Ok(())
    }

    /// The answer's bytes in pieces; their memory is taken from the allowance still.
    ///
    /// # Errors
    /// When there is no memory for the last of them.
    pub fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        self.keep_block()?;
        self.allowance.give_back(self.block.capacity());
        let last = self.pieces.pop().map(|last| without_idle_room(last, self.allowance));
        self.pieces.extend(last);
        Ok(self.pieces)
    }
}

/// The same text in no more room than it needs, which an allocator does without moving it.
fn without_idle_room(mut text: Vec<u8>, allowance: &Allowance) -> Vec<u8> {
    let room = text.capacity();
    if room - text.len() > IDLE_ROOM {
        text.shrink_to_fit();
        allowance.give_back(room - text.capacity());
    }
    text
}

/// Writes an answer whole.
pub(crate) fn whole(
    media_type: MediaType,
    rows: usize,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut AnswerWriter<'_>) -> Result<()>,
) -> Result<()> {
    let allowance = Allowance::unbounded();
    let mut writer = AnswerWriter::new(media_type, rows, Part::WHOLE, &allowance);
    write(&mut writer)?;
    writer.finish()?.into_iter().for_each(|piece| out.extend_from_slice(&piece));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::table::{Cell, Column, Table};
    use byoc_account::Purpose;
    use proptest::prelude::*;

    fn features(rows: std::ops::Range<usize>) -> Features<'static> {
        let number = |row: usize| row as f64 * 1.25 - 3.0;
        let text = |row: usize| Cell::Text(format!("a\"{row}é").into());
        let columns =
            vec![Column::Float64(rows.clone().map(number).collect()), Column::Object(rows.clone().map(text).collect())];
        Features { label: None, table: Table { rows: rows.len(), columns }, sources: Vec::new() }
    }

    fn numbers(rows: std::ops::Range<usize>) -> Features<'static> {
        let mut features = features(rows);
        features.table.columns.truncate(1);
        features
    }

    proptest! {
        #[test]
        fn an_answer_in_blocks_is_the_answer_as_a_whole(ends in prop::collection::btree_set(1usize..40, 1..6)) {
            let rows = *ends.last().unwrap();
            for media_type in MediaType::ALL {
                let make = |rows| match media_type {
                    MediaType::Npy | MediaType::RecordIoProtobuf => numbers(rows),
                    _ => features(rows),
                };
                let mut expected = Vec::new();
                make(0..rows).write(*media_type, &mut expected).unwrap();
                let allowance = Allowance::of_bytes(1 << 20, Purpose::Answer);
                let mut writer = AnswerWriter::new(*media_type, rows, Part::WHOLE, &allowance);
                let mut start = 0;
                for end in &ends {
                    writer.features(make(start..*end)).unwrap();
                    start = *end;
                }
                let pieces = writer.finish().unwrap();
                let room: usize = pieces.iter().map(Vec::capacity).sum();
                prop_assert_eq!(allowance.taken(), room as u64);
                prop_assert_eq!(pieces.concat(), expected, "{:?}", media_type);
            }
        }
    }

    #[test]
    fn parts_of_an_answer_make_one_document() {
        let allowance = Allowance::unbounded();
        let mut all = Vec::new();
        for (rows, part) in [
            (0..2, Part { is_first: true, is_last: false }),
            (2..3, Part { is_first: false, is_last: false }),
            (3..5, Part { is_first: false, is_last: true }),
        ] {
            let mut writer = AnswerWriter::new(MediaType::Json, rows.len(), part, &allowance);
            writer.features(features(rows)).unwrap();
            all.extend(writer.finish().unwrap().concat());
        }
        let mut expected = Vec::new();
        features(0..5).write(MediaType::Json, &mut expected).unwrap();
        assert_eq!(String::from_utf8(all).unwrap(), String::from_utf8(expected).unwrap());
    }

    #[test]
    fn an_answer_that_does_not_fit_is_not_written() {
        for media_type in [MediaType::Csv, MediaType::Json, MediaType::JsonLines] {
            let allowance = Allowance::of_bytes(100, Purpose::Answer);
            let mut writer = AnswerWriter::new(media_type, 100, Part::WHOLE, &allowance);
            let error = writer.features(features(0..100)).unwrap_err();
            assert_eq!(error.cause(), Cause::NeverFits, "{media_type:?}");
            assert_eq!(writer.block.capacity(), 0);
        }
    }
}

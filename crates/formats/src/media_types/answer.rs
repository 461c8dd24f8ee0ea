//! Writes an answer, one block of rows after another.
//!
//! The maximum size of a block is leased before it is written; the memory that it used stays leased with the answer. In
//! a small answer each block is a separate piece, and unused capacity is given back. The blocks of a large answer are
//! combined into pieces, whose memory returns to the system when they are sent. No buffer ever grows by reallocation.

use crate::error::Result;
use crate::media_types::format::{BlockPosition, Brackets, CellSize, Document};
use crate::media_types::media_type::MediaType;
use crate::media_types::prediction_style::{JsonForm, PredictionStyle};
use crate::rows::table::{Cell, Column};
use crate::rows::{Features, Predictions};
use byoc_account::{Allowance, LeasedGrowth as _};

/// The position of a body's rows in the answer, if the body is answered piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whether no rows come before them.
    pub is_first: bool,
    /// Whether no rows follow.
    pub is_last: bool,
}

impl Part {
    /// All rows of the answer.
    pub const WHOLE: Part = Part { is_first: true, is_last: true };
}

/// Writes an answer.
#[derive(Debug)]
pub struct AnswerWriter<'w> {
    media_type: MediaType,
    part: Part,
    /// The number of rows of the answer, which the header of a numpy array holds.
    rows: usize,
    written: usize,
    allowance: &'w Allowance,
    /// The last block.
    block: Vec<u8>,
    /// The blocks before it.
    pieces: Vec<Vec<u8>>,
}

/// The size of the pieces of an answer that is larger than this. The allocator returns a piece of this size to the
/// system when it is sent, whatever blocks are around it (`byoc_allocator::keep_freed_memory`).
const PIECE: usize = 2 << 20;

/// The most bytes around the values of a row of features: brackets, names and separators in JSON, or the frame of a
/// record.
const AROUND_FEATURES: usize = 64;

/// The same for a prediction, which has the heads of two labels in a record.
const AROUND_PREDICTION: usize = 96;

/// The most bytes around all rows: the header of a numpy array.
const AROUND_ALL: usize = 256;

/// Unused capacity of at most this size is not given back at the end.
const IDLE_CAPACITY: usize = 16 << 10;

impl PredictionStyle {
    /// The JSON document around the predictions.
    pub fn document(self) -> Document {
        match self {
            PredictionStyle::ScikitLearn(JsonForm::List) => Document::List,
            PredictionStyle::LinearLearner | PredictionStyle::ScikitLearn(JsonForm::Predictions) => {
                Document::Predictions
            }
        }
    }
}

impl<'w> AnswerWriter<'w> {
    /// An answer of `rows` rows.
    pub fn new(media_type: MediaType, rows: usize, part: Part, allowance: &'w Allowance) -> AnswerWriter<'w> {
        AnswerWriter { media_type, part, rows, written: 0, allowance, block: Vec::new(), pieces: Vec::new() }
    }

    /// Appends the features of a block of rows.
    ///
    /// # Errors
    /// [`NotWritable`](crate::error::Cause::NotWritable) for text in a media type that holds only numbers, with the row
    /// and the column; and if there is no memory for the answer.
    pub fn features(&mut self, features: Features<'_>) -> Result<()> {
        let (format, rows) = (self.media_type.format(), features.table.rows);
        let size = columns_size(features.label.iter().chain(&features.table.columns), format.cell_size());
        let max_bytes = size.saturating_add(rows.saturating_mul(AROUND_FEATURES)).saturating_add(AROUND_ALL);
        self.block(rows, max_bytes, Document::Instances, |out, block| format.write_features(features, block, out))
    }

    /// Appends the predictions for a block of rows.
    ///
    /// # Errors
    /// As [`AnswerWriter::features`], for labels that are text.
    pub fn predictions(&mut self, predictions: Predictions<'_>, style: PredictionStyle) -> Result<()> {
        let (format, rows) = (self.media_type.format(), predictions.rows());
        let size = columns_size(predictions.columns(), format.cell_size());
        let max_bytes = size.saturating_add(rows.saturating_mul(AROUND_PREDICTION)).saturating_add(AROUND_ALL);
        self.block(rows, max_bytes, style.document(), |out, block| {
            format.write_predictions(predictions, style, block, out)
        })
    }

    fn block(
        &mut self,
        rows: usize,
        max_bytes: usize,
        document: Document,
        write: impl FnOnce(&mut Vec<u8>, BlockPosition) -> Result<()>,
    ) -> Result<()> {
        self.allowance.check_time()?;
        self.keep_block()?;
        let Brackets { opening, closing } = self.media_type.brackets(document);
        self.block.reserve_leased(max_bytes.saturating_add(opening.len() + closing.len()), self.allowance)?;
        let is_first = self.part.is_first && self.written == 0;
        if is_first {
            self.block.extend_from_slice(opening);
        }
        write(&mut self.block, BlockPosition { is_first, all_rows: self.rows })?;
        let is_first_of_part = self.written == 0;
        self.written += rows;
        if is_first_of_part {
            // Refuse an answer that will not fit before the rest is written. Less an eighth, since later text may be
            // shorter.
            self.allowance.check((self.rest() / 8 * 7) as u64)?;
        }
        if self.part.is_last && self.written >= self.rows {
            self.block.extend_from_slice(closing);
        }
        Ok(())
    }

    /// An estimate of the bytes of the rows that are not written yet.
    fn rest(&self) -> usize {
        let left = self.rows.saturating_sub(self.written) as u128;
        usize::try_from(self.bytes() as u128 * left / self.written.max(1) as u128).unwrap_or(usize::MAX)
    }

    /// The number of bytes written.
    fn bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum::<usize>() + self.block.len()
    }

    /// Moves the block to the pieces.
    fn keep_block(&mut self) -> Result<()> {
        let rest = self.rest();
        if self.bytes().saturating_add(rest) < PIECE || (self.pieces.is_empty() && rest == 0) {
            let block = std::mem::take(&mut self.block);
            if !block.is_empty() {
                self.pieces.push(without_idle_capacity(block, self.allowance));
            }
            return Ok(());
        }
        let mut text = self.block.as_slice();
        while !text.is_empty() {
            let unused = self.pieces.last().map_or(0, |last| last.capacity() - last.len());
            if unused == 0 {
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

    /// The bytes of the answer in pieces; their memory stays taken from the allowance.
    ///
    /// # Errors
    /// When there is no memory for the last piece.
    pub fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        self.keep_block()?;
        self.allowance.give_back(self.block.capacity());
        let last = self.pieces.pop().map(|last| without_idle_capacity(last, self.allowance));
        self.pieces.extend(last);
        Ok(self.pieces)
    }
}

/// Shrinks the buffer to its contents, which an allocator does in place.
fn without_idle_capacity(mut text: Vec<u8>, allowance: &Allowance) -> Vec<u8> {
    let capacity = text.capacity();
    if capacity - text.len() > IDLE_CAPACITY {
        text.shrink_to_fit();
        allowance.give_back(capacity - text.capacity());
    }
    text
}

/// The most bytes that the values of columns have when they are written.
fn columns_size<'a>(columns: impl Iterator<Item = &'a Column<'a>>, size: CellSize) -> usize {
    columns.map(|column| column_size(column, size)).sum()
}

fn column_size(column: &Column<'_>, size: CellSize) -> usize {
    let text = match column {
        Column::Object(cells) if size.text_byte > 0 => {
            let length = |cell: &Cell<'_>| if let Cell::Text(text) = cell { text.len() } else { 0 };
            size.text_byte.saturating_mul(cells.iter().map(length).sum())
        }
        _ => 0,
    };
    column.len().saturating_mul(size.number).saturating_add(text)
}

/// Appends the features as a whole body.
///
/// # Errors
/// Those of [`AnswerWriter::features`].
pub fn write_features(features: Features<'_>, media_type: MediaType, out: &mut Vec<u8>) -> Result<()> {
    write_whole(media_type, features.table.rows, out, |writer| writer.features(features))
}

/// Appends the predictions as a whole body.
///
/// # Errors
/// Those of [`AnswerWriter::predictions`].
pub fn write_predictions(
    predictions: Predictions<'_>,
    style: PredictionStyle,
    media_type: MediaType,
    out: &mut Vec<u8>,
) -> Result<()> {
    write_whole(media_type, predictions.rows(), out, |writer| writer.predictions(predictions, style))
}

fn write_whole(
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
    use crate::error::Cause;
    use crate::rows::table::Table;
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
        fn an_answer_in_blocks_equals_the_whole_answer(ends in prop::collection::btree_set(1usize..40, 1..6)) {
            let rows = *ends.last().unwrap();
            for media_type in MediaType::ALL {
                let make = |rows| match media_type {
                    MediaType::Npy | MediaType::RecordIoProtobuf => numbers(rows),
                    _ => features(rows),
                };
                let mut expected = Vec::new();
                write_features(make(0..rows), *media_type, &mut expected).unwrap();
                let allowance = Allowance::of_bytes(1 << 20, Purpose::Answer);
                let mut writer = AnswerWriter::new(*media_type, rows, Part::WHOLE, &allowance);
                let mut start = 0;
                for end in &ends {
                    writer.features(make(start..*end)).unwrap();
                    start = *end;
                }
                let pieces = writer.finish().unwrap();
                let capacity: usize = pieces.iter().map(Vec::capacity).sum();
                prop_assert_eq!(allowance.taken(), capacity as u64);
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
        write_features(features(0..5), MediaType::Json, &mut expected).unwrap();
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

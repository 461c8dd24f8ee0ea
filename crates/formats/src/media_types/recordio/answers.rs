//! Answers as records: the linear learner's predictions, a preprocessor's features.

use super::frame::MAGIC;
use super::record::NAME;
use super::write::{write_bytes, write_varint};
use crate::error::Result;
use crate::media_types::numeric::{Numbers, to_float32};
use crate::rows::table::Table;
use crate::rows::{Features, Predictions};
use std::borrow::Cow;

/// The fields of a record that hold tensors.
#[derive(Clone, Copy)]
enum Map {
    Features = 1,
    Label = 2,
}

/// The bytes of records that differ only in their numbers: dense `float32` tensors of fixed lengths.
struct Template {
    /// The bytes before each tensor's numbers; before the first one also the head of the frame.
    before: Vec<Vec<u8>>,
    /// The number of zeros at the end of a frame.
    padding: usize,
}

impl Template {
    fn new(tensors: &[(Map, &str, usize)]) -> Template {
        let mut length = 0;
        let mut before = Vec::new();
        for &(map, name, count) in tensors {
            // From the inside out: the numbers are the last bytes of each enclosing message.
            let numbers = count * 4;
            let mut head = Vec::new();
            if numbers > 0 {
                head = field(1, numbers);
            }
            head = [field(2, head.len() + numbers), head].concat();
            let mut entry = Vec::new();
            write_bytes(&mut entry, 1, name.as_bytes());
            entry.extend(field(2, head.len() + numbers));
            head = [entry, head].concat();
            head = [field(map as u64, head.len() + numbers), head].concat();
            length += head.len() + numbers;
            before.push(head);
        }
        let mut frame = MAGIC.to_le_bytes().to_vec();
        frame.extend((length as u32).to_le_bytes());
        if let Some(first) = before.first_mut() {
            first.splice(..0, frame);
        }
        Template { before, padding: length.next_multiple_of(4) - length }
    }

    fn start_tensor(&self, index: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before.get(index).map_or(&[], Vec::as_slice));
    }

    fn end_frame(&self, out: &mut Vec<u8>) {
        out.resize(out.len() + self.padding, 0);
    }
}

/// The head of a field of `length` bytes.
fn field(number: u64, length: usize) -> Vec<u8> {
    let mut head = Vec::new();
    write_varint(&mut head, number << 3 | 2);
    write_varint(&mut head, length as u64);
    head
}

/// Appends a record for each row: the label `score`, and `predicted_label` if there is one, both `float32`
/// (docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html).
///
/// # Errors
/// [`crate::error::Cause::NotWritable`] for labels that are text.
pub(super) fn write_predictions(predictions: Predictions<'_>, out: &mut Vec<u8>) -> Result<()> {
    let rows = predictions.rows();
    let (columns, label) = predictions.into_parts();
    let features = Features { label, table: Table { rows, columns }, sources: Vec::new() };
    let Numbers { label, columns } = to_float32(&features)?;
    let mut tensors = vec![(Map::Label, "score", columns.len())];
    tensors.extend(label.as_ref().map(|_| (Map::Label, "predicted_label", 1)));
    write_records(&tensors, rows, &columns, label.as_deref(), out);
    Ok(())
}

/// Appends a record for each row: the features `values`, and the label `values` if the rows came with one, both
/// `float32`, which is what a training job reads.
///
/// # Errors
/// [`crate::error::Cause::NotWritable`] for text, and for a number beyond float32.
pub(super) fn write_features(features: &Features<'_>, out: &mut Vec<u8>) -> Result<()> {
    let Numbers { label, columns } = to_float32(features)?;
    let mut tensors = vec![(Map::Features, NAME, columns.len())];
    tensors.extend(label.as_ref().map(|_| (Map::Label, NAME, 1)));
    write_records(&tensors, features.table.rows, &columns, label.as_deref(), out);
    Ok(())
}

/// Appends a record for each row: the columns as the first tensor, and the label as the second.
fn write_records(
    tensors: &[(Map, &str, usize)],
    rows: usize,
    columns: &[Cow<'_, [f32]>],
    label: Option<&[f32]>,
    out: &mut Vec<u8>,
) {
    let template = Template::new(tensors);
    for row in 0..rows {
        template.start_tensor(0, out);
        out.extend(columns.iter().filter_map(|column| column.get(row)).flat_map(|value| value.to_le_bytes()));
        if let Some(label) = label.and_then(|label| label.get(row)) {
            template.start_tensor(1, out);
            out.extend(label.to_le_bytes());
        }
        template.end_frame(out);
    }
}

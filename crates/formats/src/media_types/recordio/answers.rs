//! Answers as records: a scorer's labels, a preprocessor's features.

use super::frame::MAGIC;
use super::record::NAME;
use super::write::{write_bytes, write_varint};
use crate::error::Result;
use crate::rows::Predictions;
use crate::rows::features::{Features, Numbers};
use crate::rows::predictions::Score;

/// The fields of a record that hold tensors.
#[derive(Clone, Copy)]
enum Map {
    Features = 1,
    Label = 2,
}

/// The bytes of records that differ in nothing but their numbers: dense float32 tensors of fixed lengths.
struct Template {
    /// What stands before each tensor's numbers; the frame's own head before the first.
    before: Vec<Vec<u8>>,
    /// How many zeros end a frame.
    padding: usize,
}

impl Template {
    fn new(tensors: &[(Map, &str, usize)]) -> Template {
        let mut length = 0;
        let mut before = Vec::new();
        for &(map, name, count) in tensors {
            // From the inside out: the numbers are the last bytes of each message that holds them.
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

/// The head of a field of so many bytes.
fn field(number: u64, length: usize) -> Vec<u8> {
    let mut head = Vec::new();
    write_varint(&mut head, number << 3 | 2);
    write_varint(&mut head, length as u64);
    head
}

/// One record a row: the label `score`, and `predicted_label` where there is one, both float32
/// (docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html).
pub(crate) fn write_predictions(predictions: &Predictions, out: &mut Vec<u8>) {
    let mut tensors = vec![(Map::Label, "score", predictions.width().scores())];
    tensors.extend(predictions.labels().map(|_| (Map::Label, "predicted_label", 1)));
    let template = Template::new(&tensors);
    for row in predictions.rows() {
        template.start_tensor(0, out);
        match row.score {
            Score::One(score) => out.extend((score as f32).to_le_bytes()),
            Score::List(scores) => out.extend(scores.flat_map(|score| (score as f32).to_le_bytes())),
        }
        if let Some(label) = row.label {
            template.start_tensor(1, out);
            out.extend((label as f32).to_le_bytes());
        }
        template.end_frame(out);
    }
}

/// One record a row: the features `values`, and the label `values` where the rows came with it, both float32, which is all
/// that a training job reads.
///
/// # Errors
/// [`crate::error::Cause::NotWritable`] for text, and for a number beyond float32.
pub(crate) fn write_features(features: &Features<'_>, out: &mut Vec<u8>) -> Result<()> {
    let Numbers { label, columns } = features.to_float32()?;
    let mut tensors = vec![(Map::Features, NAME, columns.len())];
    tensors.extend(label.as_ref().map(|_| (Map::Label, NAME, 1)));
    let template = Template::new(&tensors);
    for row in 0..features.table.rows {
        template.start_tensor(0, out);
        out.extend(columns.iter().filter_map(|column| column.get(row)).flat_map(|value| value.to_le_bytes()));
        if let Some(label) = label.as_ref().and_then(|label| label.get(row)) {
            template.start_tensor(1, out);
            out.extend(label.to_le_bytes());
        }
        template.end_frame(out);
    }
    Ok(())
}

//! Answers as arrays, byte for byte as `numpy.save` writes them.

use super::array::shown_shape;
use super::header::MAGIC;
use crate::error::Result;
use crate::media_types::numeric::to_float64;
use crate::rows::predictions::Scores;
use crate::rows::table::{Column, Table};
use crate::rows::{Features, Predictions};

/// The items begin at a multiple of this (numpy's `ARRAY_ALIGN`).
const ALIGNMENT: usize = 64;

/// The number of digits that numpy reserves, so that the first dimension can grow in place
/// (`GROWTH_AXIS_MAX_DIGITS`).
const GROWTH_DIGITS: usize = 21;

/// A number that is an item of an array.
trait Item: Copy {
    /// numpy's code for the type.
    const CODE: &'static str;
    /// Appends the bytes of an item.
    fn append(self, out: &mut Vec<u8>);
}

macro_rules! items {
    ($($type:ty = $code:literal;)*) => {
        $(impl Item for $type {
            const CODE: &'static str = $code;
            fn append(self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
        })*
    };
}
items! {
    f32 = "<f4";
    f64 = "<f8";
    i64 = "<i8";
    u64 = "<u8";
}

impl Item for bool {
    const CODE: &'static str = "|b1";
    fn append(self, out: &mut Vec<u8>) {
        out.push(u8::from(self));
    }
}

/// Appends a header of version 1.0, which holds every header that is written here.
fn write_header(code: &str, shape: &[usize], out: &mut Vec<u8>) {
    let mut text = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': {}, }}", shown_shape(shape));
    let digits = shape.first().map_or(GROWTH_DIGITS, |length| length.to_string().len());
    text.extend(std::iter::repeat_n(' ', GROWTH_DIGITS.saturating_sub(digits)));
    let before = MAGIC.len() + 4;
    // The line break counts as well.
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    out.extend_from_slice(MAGIC);
    out.extend([1, 0]);
    out.extend((length as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// Appends the label, if there is one, and the features, as rows of one dtype. Objects become `float64` if they are
/// numbers. `all_rows` is the number of rows of the whole array if these are its first rows: they follow its header.
///
/// # Errors
/// [`crate::error::Cause::NotWritable`] for text, which numpy would pickle.
pub(super) fn write_features(features: &Features<'_>, all_rows: Option<usize>, out: &mut Vec<u8>) -> Result<()> {
    let width = features.table.columns.len() + usize::from(features.label.is_some());
    write_table(features, all_rows.map(|rows| [rows, width]).as_ref().map(<[usize; 2]>::as_slice), out)
}

/// The array that scikit-learn answers: of one dimension if a row has one value, of two if it has a list of values.
///
/// # Errors
/// As [`write_features`], for classes that are text.
pub(super) fn write_predictions(
    predictions: Predictions<'_>,
    all_rows: Option<usize>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let is_flat = !matches!(predictions.scores(), Some(Scores::Each(_)));
    let features = Features { label: None, table: predictions.into_table(), sources: Vec::new() };
    match all_rows {
        Some(rows) if is_flat => write_table(&features, Some(&[rows]), out),
        all_rows => write_features(&features, all_rows, out),
    }
}

/// Appends rows; `shape` is that of the whole array if these are its first rows: they follow its header.
fn write_table(features: &Features<'_>, shape: Option<&[usize]>, out: &mut Vec<u8>) -> Result<()> {
    let columns: Vec<_> = features.label.iter().chain(&features.table.columns).collect();
    let rows = features.table.rows;
    macro_rules! all {
        ($kind:ident) => {
            columns
                .iter()
                .map(|column| match column {
                    Column::$kind(values) => Some(values.as_slice()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
    }
    if let Some(columns) = all!(Float64) {
        write_columns(&columns, rows, shape, out);
    } else if let Some(columns) = all!(Float32) {
        write_columns(&columns, rows, shape, out);
    } else if let Some(columns) = all!(Int64) {
        write_columns(&columns, rows, shape, out);
    } else if let Some(columns) = all!(UInt64) {
        write_columns(&columns, rows, shape, out);
    } else if let Some(columns) = all!(Bool) {
        write_columns(&columns, rows, shape, out);
    } else {
        let columns = to_float64(features)?;
        write_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), rows, shape, out);
    }
    Ok(())
}

fn write_columns<T: Item>(columns: &[&[T]], rows: usize, shape: Option<&[usize]>, out: &mut Vec<u8>) {
    if let Some(shape) = shape {
        write_header(T::CODE, shape, out);
    }
    for row in 0..rows {
        columns.iter().filter_map(|column| column.get(row)).for_each(|value| value.append(out));
    }
}

/// The linear learner's predictions: the scores, then the label, all in the dtype of the scores. One score for each row
/// and no label is an array of one dimension, as scikit-learn's `predict` answers it.
///
/// # Errors
/// As [`write_features`].
pub(super) fn write_scores_and_labels(
    predictions: Predictions<'_>,
    all_rows: Option<usize>,
    out: &mut Vec<u8>,
) -> Result<()> {
    if predictions.labels().is_none() {
        return write_predictions(predictions, all_rows, out);
    }
    let rows = predictions.rows();
    let (mut columns, labels) = predictions.into_parts();
    let are_single = matches!(columns.first(), Some(Column::Float32(_)));
    columns.extend(labels.map(|labels| match labels {
        Column::Int64(labels) if are_single => Column::Float32(labels.into_iter().map(|label| label as f32).collect()),
        Column::Int64(labels) => Column::Float64(labels.into_iter().map(|label| label as f64).collect()),
        labels => labels,
    }));
    write_features(&Features { label: None, table: Table { rows, columns }, sources: Vec::new() }, all_rows, out)
}

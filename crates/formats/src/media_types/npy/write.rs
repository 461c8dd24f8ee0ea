//! Answers as arrays, byte for byte as `numpy.save` writes them.

use super::array::shown_shape;
use super::header::MAGIC;
use crate::error::Result;
use crate::rows::Estimates;
use crate::rows::features::Features;
use crate::rows::predictions::{Predictions, Score, Scores, Width};
use crate::rows::table::Column;

/// The items begin at a multiple of this (numpy's `ARRAY_ALIGN`).
const ALIGNMENT: usize = 64;

/// How many digits numpy leaves room for, so that the first dimension can grow in place (`GROWTH_AXIS_MAX_DIGITS`).
const GROWTH_DIGITS: usize = 21;

/// A number that is an array's item.
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

/// Version 1.0 of the header, which all that is written here fits into.
fn write_header(code: &str, shape: &[usize], out: &mut Vec<u8>) {
    let mut text = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': {}, }}", shown_shape(shape));
    let digits = shape.first().map_or(GROWTH_DIGITS, |length| length.to_string().len());
    text.extend(std::iter::repeat_n(' ', GROWTH_DIGITS.saturating_sub(digits)));
    let before = MAGIC.len() + 4;
    // Also the line break counts.
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    out.extend_from_slice(MAGIC);
    out.extend([1, 0]);
    out.extend((length as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// Rows and columns of one type, the label first where there is one. Objects, if they are numbers, are
/// float64. With the header of an array of so many rows before them, where these are its first.
///
/// # Errors
/// [`crate::error::Cause::NotWritable`] for text, which numpy would pickle.
pub(crate) fn write_features(features: &Features<'_>, all_rows: Option<usize>, out: &mut Vec<u8>) -> Result<()> {
    let width = features.table.columns.len() + usize::from(features.label.is_some());
    write_table(features, all_rows.map(|rows| [rows, width]).as_ref().map(<[usize; 2]>::as_slice), out)
}

/// An estimator's answers as scikit-learn's own array: of one dimension where a row has one value, and of two where it has a
/// list of them. Otherwise as [`write_features`].
///
/// # Errors
/// As [`write_features`], for classes.
pub(crate) fn write_estimates(estimates: Estimates<'_>, all_rows: Option<usize>, out: &mut Vec<u8>) -> Result<()> {
    let is_flat = estimates.is_flat();
    let features = Features { label: None, table: estimates.into_table(), sources: Vec::new() };
    match all_rows {
        Some(rows) if is_flat => write_table(&features, Some(&[rows]), out),
        all_rows => write_features(&features, all_rows, out),
    }
}

/// With the header of an array of a shape before them, where these are its first rows.
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
        let columns = features.to_float64()?;
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

/// Scores in the model's own precision. One score a row and no label is one dimension, as scikit-learn's `predict` gives it;
/// otherwise a row has its scores, then its label.
pub(crate) fn write_predictions(predictions: &Predictions, all_rows: Option<usize>, out: &mut Vec<u8>) {
    match predictions.scores() {
        Scores::Float32(_) => write_rows(predictions, |value| value as f32, all_rows, out),
        Scores::Float64(_) => write_rows(predictions, |value| value, all_rows, out),
    }
}

fn write_rows<T: Item>(
    predictions: &Predictions,
    round: impl Fn(f64) -> T,
    all_rows: Option<usize>,
    out: &mut Vec<u8>,
) {
    match (all_rows, predictions.width(), predictions.labels()) {
        (None, _, _) => {}
        (Some(rows), Width::One, None) => write_header(T::CODE, &[rows], out),
        (Some(rows), width, labels) => {
            let columns = width.scores() + usize::from(labels.is_some());
            write_header(T::CODE, &[rows, columns], out);
        }
    }
    for row in predictions.rows() {
        match row.score {
            Score::One(score) => round(score).append(out),
            Score::List(scores) => scores.for_each(|score| round(score).append(out)),
        }
        if let Some(label) = row.label {
            round(label as f64).append(out);
        }
    }
}

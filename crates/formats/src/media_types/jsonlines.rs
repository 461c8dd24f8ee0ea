//! `application/jsonlines`: one instance a line in, one answer a line out.

use crate::error::{Error, Place, Result};
use crate::media_types::json::document::Line;
use crate::media_types::json::instance::{Reading, Rows};
use crate::media_types::json::words::Words;
use crate::media_types::json::{Columns, write_cell, write_cells, write_named_score, write_value};
use crate::media_types::number::{write_cut_f64, write_i64};
use crate::media_types::without_byte_order_mark;
use crate::rows::Batch;
use crate::rows::Estimates;
use crate::rows::frame::Frame;
use crate::rows::predictions::{Predictions, Score};
use crate::rows::table::{Schema, Table};
use byoc_account::Allowance;
use serde::de::DeserializeSeed;

/// Reads float32 rows of `width` features.
pub(crate) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let (body, start) = without_byte_order_mark(body);
    let mut batch = Batch::for_body(width, body, allowance)?;
    match Words::find(body, allowance)? {
        None => read_lines(body, start, None, &mut batch)?,
        Some(words) => read_lines(words.text(), start, Some(&words), &mut batch)?,
    }
    Ok(batch)
}

/// Reads columns, typed as pandas types lists of Python values, once the schema has agreed to how many there are.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: a line that is no instance, rows of
/// different length, sparse rows, no line.
pub fn read_table<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
    let (body, start) = without_byte_order_mark(body);
    let Some(words) = Words::find(body, allowance)? else {
        let mut columns = Columns::new(schema, allowance);
        read_lines(body, start, None, &mut columns)?;
        return columns.finish();
    };
    let mut columns = Columns::new(schema, allowance);
    read_lines(words.text(), start, Some(&words), &mut columns)?;
    columns.finish()?.into_owned(allowance)
}

/// The last line need not end in a line break; blank lines are skipped and not counted. A line that is a value alone is a row
/// of one. The lines begin at byte `offset` of the body.
fn read_lines<'de>(
    lines: &'de [u8],
    offset: usize,
    words: Option<&Words<'_>>,
    rows: &mut impl Rows<'de>,
) -> Result<()> {
    let mut reading = Reading::new(rows, words);
    let mut found = false;
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', lines).chain([lines.len()]) {
        let line = lines.get(start..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            let mut deserializer = serde_json::Deserializer::from_slice(line);
            let read = Line(&mut reading).deserialize(&mut deserializer).and_then(|()| deserializer.end());
            // What is wrong with a line as a whole is at its beginning.
            let at_line = |error: Error| error.at(Place::byte(offset + start));
            read.map_err(|error| at_line(reading.error(&error, line, offset + start)))?;
            found = true;
        }
        start = end + 1;
    }
    if found { Ok(()) } else { Err(Error::bad_payload("expected a JSON object on each line, found an empty body")) }
}

/// The linear learner's answers: no spaces, the label first, decimals cut after the fifteenth where that leaves the same float32.
pub(crate) fn write_predictions(predictions: &Predictions, out: &mut Vec<u8>) {
    for row in predictions.rows() {
        out.push(b'{');
        if let Some(label) = row.label {
            out.extend_from_slice(b"\"predicted_label\":");
            write_i64(out, label);
            out.push(b',');
        }
        out.extend_from_slice(b"\"score\":");
        match row.score {
            Score::One(score) => write_cut_f64(out, score),
            Score::List(scores) => {
                out.push(b'[');
                for (index, score) in scores.enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_cut_f64(out, score);
                }
                out.push(b']');
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// An estimator's answers, each on a line of its own: a value, or a list of values.
pub(crate) fn write_values(estimates: &Estimates<'_>, out: &mut Vec<u8>) {
    for row in 0..estimates.rows() {
        write_value(estimates, row, b",", out);
        out.push(b'\n');
    }
}

/// An estimator's answers in the linear learner's shape, with all their digits.
pub(crate) fn write_estimates(estimates: &Estimates<'_>, out: &mut Vec<u8>) {
    for row in 0..estimates.rows() {
        out.push(b'{');
        if let Some(labels) = estimates.label_column() {
            out.extend_from_slice(b"\"predicted_label\":");
            write_cell(labels, row, out);
        }
        if let Some(scores) = estimates.score_columns() {
            let name: &[u8] = if estimates.label_column().is_some() { b",\"score\":" } else { b"\"score\":" };
            out.extend_from_slice(name);
            write_named_score(scores, row, b",", out);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// A table, one `{"features":[...]}` a row.
pub(crate) fn write_rows(table: &Table<'_>, out: &mut Vec<u8>) {
    for row in 0..table.rows {
        out.extend_from_slice(b"{\"features\":[");
        write_cells(table, row, b",", out);
        out.extend_from_slice(b"]}\n");
    }
}

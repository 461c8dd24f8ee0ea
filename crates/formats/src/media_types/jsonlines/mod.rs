//! `application/jsonlines`: one instance on each line of a request, one answer on each line of a response.

mod cut;

use crate::error::{Error, Place, Result};
use crate::media_types::byte_order_mark::without_byte_order_mark;
use crate::media_types::format::{BlockPosition, CellSize, Format, ReadOptions};
use crate::media_types::json::columns::Columns;
use crate::media_types::json::document::Line;
use crate::media_types::json::reading::{Reading, Rows};
use crate::media_types::json::words::Words;
use crate::media_types::json::write::{write_cell, write_cells, write_list, write_score, write_value};
use crate::media_types::pieces::Pieces;
use crate::media_types::prediction_style::{JsonForm, PredictionStyle};
use crate::rows::predictions::Scores;
use crate::rows::schema::Schema;
use crate::rows::table::Column;
use crate::rows::{Batch, Features, Frame, Predictions};
use byoc_account::Allowance;
use cut::write_cut_f64;
use serde::de::DeserializeSeed;

/// The format of `application/jsonlines`.
pub(crate) struct JsonLines;

impl Format for JsonLines {
    fn read_batch<'w>(
        &self,
        body: &[u8],
        _options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>> {
        read_batch(body, width, allowance)
    }

    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        _options: ReadOptions,
        _columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        read_table(body, schema, allowance)
    }

    fn max_rows(&self, body: &[u8], _columns: usize) -> usize {
        memchr::memchr_iter(b'\n', body).count() + 1
    }

    fn pieces(&self) -> Option<Pieces> {
        Some(Pieces::of_lines())
    }

    fn cell_size(&self) -> CellSize {
        // JSON writes a control character as six bytes.
        CellSize::text(6)
    }

    fn write_features(&self, features: Features<'_>, _block: BlockPosition, out: &mut Vec<u8>) -> Result<()> {
        let table = features.into_table();
        for row in 0..table.rows {
            out.extend_from_slice(b"{\"features\":[");
            write_cells(&table.columns, row, b",", out);
            out.extend_from_slice(b"]}\n");
        }
        Ok(())
    }

    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        _block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        for row in 0..predictions.rows() {
            match style {
                PredictionStyle::ScikitLearn(JsonForm::List) => write_value(&predictions, row, b",", out),
                style => write_object(&predictions, style, row, out),
            }
            out.push(b'\n');
        }
        Ok(())
    }
}

/// Reads `float32` rows of `width` features.
pub(super) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let (body, start) = without_byte_order_mark(body);
    let mut batch = Batch::for_body(width, body, allowance)?;
    match Words::find(body, allowance)? {
        None => read_lines(body, start, None, &mut batch)?,
        Some(words) => read_lines(words.text(), start, Some(&words), &mut batch)?,
    }
    Ok(batch)
}

/// Reads columns with the types that pandas gives lists of Python values, once the schema has accepted their number.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: a line that is not an instance,
/// rows of different length, sparse rows, no line.
pub(super) fn read_table<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
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

/// The last line need not end in a line break; blank lines are skipped and not counted. A line that is a value alone is
/// a row of one. The lines begin at byte `offset` of the body.
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
            // The position of an error about a whole line is the start of the line.
            let at_line = |error: Error| error.at(Place::byte(offset + start));
            read.map_err(|error| at_line(reading.error(&error, line, offset + start)))?;
            found = true;
        }
        start = end + 1;
    }
    if found { Ok(()) } else { Err(Error::bad_payload("expected a JSON object on each line, found an empty body")) }
}

/// `{"predicted_label":1,"score":0.5}`: without spaces, the label first.
fn write_object(predictions: &Predictions<'_>, style: PredictionStyle, row: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(labels) = predictions.labels() {
        out.extend_from_slice(b"\"predicted_label\":");
        write_cell(labels, row, out);
    }
    if let Some(scores) = predictions.scores() {
        let name: &[u8] = if predictions.labels().is_some() { b",\"score\":" } else { b"\"score\":" };
        out.extend_from_slice(name);
        match (scores, style) {
            (Scores::One(column), PredictionStyle::LinearLearner) => write_cut_cell(column, row, out),
            (Scores::Each(columns), PredictionStyle::LinearLearner) => {
                write_list(columns, row, b",", write_cut_cell, out);
            }
            (scores, _) => write_score(scores, row, b",", out),
        }
    }
    out.push(b'}');
}

fn write_cut_cell(column: &Column<'_>, row: usize, out: &mut Vec<u8>) {
    match column {
        Column::Float32(values) => values.get(row).into_iter().for_each(|value| write_cut_f64(out, f64::from(*value))),
        Column::Float64(values) => values.get(row).into_iter().for_each(|value| write_cut_f64(out, *value)),
        column => write_cell(column, row, out),
    }
}

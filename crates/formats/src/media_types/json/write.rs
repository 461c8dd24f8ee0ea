//! Answers as Python's `json.dumps` prints them: `, ` and `: ` as separators, everything but printable ASCII escaped,
//! bare `NaN` and `Infinity`.

use crate::media_types::prediction_style::PredictionStyle;
use crate::numbers::print::{write_integer, write_json_f64};
use crate::rows::Predictions;
use crate::rows::predictions::Scores;
use crate::rows::table::{Cell, Column, Table};
use std::io::Write as _;

/// The rows of a list of predictions: a value for each row, or a list of values.
pub(super) fn write_values(predictions: &Predictions<'_>, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..predictions.rows() {
        if !is_first || row > 0 {
            out.extend_from_slice(b", ");
        }
        write_value(predictions, row, b", ", out);
    }
}

/// The scores of a row, or its label if there are no scores.
pub(in crate::media_types) fn write_value(
    predictions: &Predictions<'_>,
    row: usize,
    separator: &[u8],
    out: &mut Vec<u8>,
) {
    match (predictions.scores(), predictions.labels()) {
        (Some(Scores::One(column)), _) => write_cell(column, row, out),
        (Some(Scores::Each(columns)), _) => write_list(columns, row, separator, write_cell, out),
        (None, Some(labels)) => write_cell(labels, row, out),
        (None, None) => {}
    }
}

/// The rows of the linear learner's document, with the members that the model answers. All rows but the first of an
/// answer have a separator before them.
pub(super) fn write_objects(predictions: &Predictions<'_>, style: PredictionStyle, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..predictions.rows() {
        out.extend_from_slice(if is_first && row == 0 { b"{" } else { b", {" });
        if let Some(scores) = predictions.scores() {
            out.extend_from_slice(b"\"score\": ");
            match (scores, style) {
                (Scores::Each(columns), PredictionStyle::LinearLearner) => {
                    write_list(columns, row, b", ", write_cell, out);
                }
                (scores, _) => write_score(scores, row, b", ", out),
            }
        }
        if let Some(labels) = predictions.labels() {
            let name: &[u8] = match predictions.scores() {
                Some(_) => b", \"predicted_label\": ",
                None => b"\"predicted_label\": ",
            };
            out.extend_from_slice(name);
            write_cell(labels, row, out);
        }
        out.push(b'}');
    }
}

/// The member `score` of a row of scikit-learn's predictions: a list of one score is the number, as the linear
/// learner's clients expect.
pub(in crate::media_types) fn write_score(scores: &Scores<'_>, row: usize, separator: &[u8], out: &mut Vec<u8>) {
    match scores.columns() {
        [column] => write_cell(column, row, out),
        columns => write_list(columns, row, separator, write_cell, out),
    }
}

/// A list of the cells of a row.
pub(in crate::media_types) fn write_list(
    columns: &[Column<'_>],
    row: usize,
    separator: &[u8],
    write: impl Fn(&Column<'_>, usize, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        write(column, row, out);
    }
    out.push(b']');
}

/// The rows of `{"instances": [{"features": [...]}, ...]}`, which the next container of a pipeline reads.
pub(super) fn write_rows(table: &Table<'_>, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..table.rows {
        out.extend_from_slice(if is_first && row == 0 { b"{\"features\": [" } else { b", {\"features\": [" });
        write_cells(&table.columns, row, b", ", out);
        out.extend_from_slice(b"]}");
    }
}

/// The cells of one row with a separator between them.
pub(in crate::media_types) fn write_cells(columns: &[Column<'_>], row: usize, separator: &[u8], out: &mut Vec<u8>) {
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        write_cell(column, row, out);
    }
}

/// One value.
pub(in crate::media_types) fn write_cell(column: &Column<'_>, row: usize, out: &mut Vec<u8>) {
    match column {
        Column::Int64(values) => values.get(row).map(|&value| write_integer(out, value)),
        Column::UInt64(values) => values.get(row).map(|&value| write_integer(out, value)),
        Column::Float64(values) => values.get(row).map(|&value| write_json_f64(out, value)),
        Column::Float32(values) => values.get(row).map(|&value| write_json_f64(out, value.into())),
        Column::Bool(values) => values.get(row).map(|&value| write_bool(out, value)),
        Column::Object(cells) => cells.get(row).map(|cell| match cell {
            Cell::Missing => out.extend_from_slice(b"NaN"),
            Cell::None => out.extend_from_slice(b"null"),
            Cell::Text(text) => write_text(out, text),
            Cell::Bool(value) => write_bool(out, *value),
            Cell::Int(value) => write_integer(out, *value),
            Cell::Float(value) => write_json_f64(out, *value),
        }),
    }
    .unwrap_or_else(|| out.extend_from_slice(b"null"));
}

fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            ' '..='~' => out.push(character as u8),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a vector never fails.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push(b'"');
}

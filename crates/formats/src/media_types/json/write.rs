//! Answers as `application/json`, spelled as Python's `json.dumps` spells them: `, ` and `: ` between parts, everything
//! but printable ASCII escaped, bare `NaN` and `Infinity`.

use crate::media_types::number::{write_i64, write_json_f64};
use crate::rows::estimates::Scores;
use crate::rows::predictions::Score;
use crate::rows::table::{Cell, Column, Table};
use crate::rows::{Estimates, Predictions};
use std::io::Write;

/// The rows of the linear learner's answer. All but the first of an answer have a separator before them.
pub(crate) fn write_predictions(predictions: &Predictions, is_first: bool, out: &mut Vec<u8>) {
    for (index, row) in predictions.rows().enumerate() {
        out.extend_from_slice(if is_first && index == 0 { b"{\"score\": " } else { b", {\"score\": " });
        match row.score {
            Score::One(score) => write_json_f64(out, score),
            Score::List(scores) => {
                out.push(b'[');
                for (index, score) in scores.enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b", ");
                    }
                    write_json_f64(out, score);
                }
                out.push(b']');
            }
        }
        if let Some(label) = row.label {
            out.extend_from_slice(b", \"predicted_label\": ");
            write_i64(out, label);
        }
        out.push(b'}');
    }
}

/// The rows of an estimator's answer as the list of them has them: a value each, or a list of values.
pub(crate) fn write_values(estimates: &Estimates<'_>, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..estimates.rows() {
        if !is_first || row > 0 {
            out.extend_from_slice(b", ");
        }
        write_value(estimates, row, b", ", out);
    }
}

/// What an estimator answers for one row: its scores, or its label where it has none.
pub(crate) fn write_value(estimates: &Estimates<'_>, row: usize, separator: &[u8], out: &mut Vec<u8>) {
    match (estimates.score_columns(), estimates.label_column()) {
        (Some(scores), _) => write_score(scores, row, separator, out),
        (None, Some(labels)) => write_cell(labels, row, out),
        (None, None) => {}
    }
}

/// The rows of an estimator's answer in the linear learner's shape, with the members that it has.
pub(crate) fn write_estimates(estimates: &Estimates<'_>, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..estimates.rows() {
        out.extend_from_slice(if is_first && row == 0 { b"{" } else { b", {" });
        if let Some(scores) = estimates.score_columns() {
            out.extend_from_slice(b"\"score\": ");
            write_named_score(scores, row, b", ", out);
        }
        if let Some(labels) = estimates.label_column() {
            let name: &[u8] = match estimates.score_columns() {
                Some(_) => b", \"predicted_label\": ",
                None => b"\"predicted_label\": ",
            };
            out.extend_from_slice(name);
            write_cell(labels, row, out);
        }
        out.push(b'}');
    }
}

/// The score of one row as the linear learner has it, for whom one value is no list.
pub(crate) fn write_named_score(scores: &Scores<'_>, row: usize, separator: &[u8], out: &mut Vec<u8>) {
    match scores {
        Scores::Each(columns) if columns.len() == 1 => columns.iter().for_each(|column| write_cell(column, row, out)),
        scores => write_score(scores, row, separator, out),
    }
}

/// The score of one row, or its list of scores with a separator between them.
pub(crate) fn write_score(scores: &Scores<'_>, row: usize, separator: &[u8], out: &mut Vec<u8>) {
    match scores {
        Scores::One(column) => write_cell(column, row, out),
        Scores::Each(columns) => {
            out.push(b'[');
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(separator);
                }
                write_cell(column, row, out);
            }
            out.push(b']');
        }
    }
}

/// The rows of `{"instances": [{"features": [...]}, ...]}`, which is what the next container of a pipeline reads.
pub(crate) fn write_rows(table: &Table<'_>, is_first: bool, out: &mut Vec<u8>) {
    for row in 0..table.rows {
        out.extend_from_slice(if is_first && row == 0 { b"{\"features\": [" } else { b", {\"features\": [" });
        write_cells(table, row, b", ", out);
        out.extend_from_slice(b"]}");
    }
}

/// The cells of one row with a separator between them.
pub(crate) fn write_cells(table: &Table<'_>, row: usize, separator: &[u8], out: &mut Vec<u8>) {
    for (index, column) in table.columns.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        write_cell(column, row, out);
    }
}

/// One value.
pub(crate) fn write_cell(column: &Column<'_>, row: usize, out: &mut Vec<u8>) {
    match column {
        Column::Int64(values) => values.get(row).map(|&value| write_i64(out, value)),
        // Writing into a vector does not fail.
        Column::UInt64(values) => values.get(row).map(|value| _ = write!(out, "{value}")),
        Column::Float64(values) => values.get(row).map(|&value| write_json_f64(out, value)),
        Column::Float32(values) => values.get(row).map(|&value| write_json_f64(out, value.into())),
        Column::Bool(values) => values.get(row).map(|&value| write_bool(out, value)),
        Column::Object(cells) => cells.get(row).map(|cell| match cell {
            Cell::Missing => out.extend_from_slice(b"NaN"),
            Cell::None => out.extend_from_slice(b"null"),
            Cell::Text(text) => write_text(out, text),
            Cell::Bool(value) => write_bool(out, *value),
            Cell::Int(value) => write_i64(out, *value),
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
                    // Writing into a vector does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push(b'"');
}

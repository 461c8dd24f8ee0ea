//! A table to CSV, as Python's `csv.writer` prints the array that scikit-learn answers.

use crate::numbers::print::{plain_f64, write_f32, write_f64, write_integer};
use crate::rows::table::{Cell, Column, Table};

/// The number of floats of a row that are formatted before the first one is copied. Copying text right after it was
/// written in smaller pieces stalls the processor until the pieces are stored: a tenth of the time of a request of
/// 10,000 rows.
const TOGETHER: usize = 8;

/// Appends the table: a line for each row, `\n` after each line.
pub(super) fn write(table: &Table<'_>, out: &mut Vec<u8>) {
    for row in 0..table.rows {
        let line = out.len();
        for (index, columns) in table.columns.chunks(TOGETHER).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_values(out, columns, row);
        }
        if out.len() == line && table.columns.len() == 1 {
            // An empty line would not be read as a row.
            out.extend_from_slice(b"\"\"");
        }
        out.push(b'\n');
    }
}

/// Appends the values of a row in at most [`TOGETHER`] columns.
fn write_values(out: &mut Vec<u8>, columns: &[Column<'_>], row: usize) {
    let mut buffers: [zmij::Buffer; TOGETHER] = std::array::from_fn(|_| zmij::Buffer::new());
    let mut floats = [None; TOGETHER];
    for ((column, buffer), float) in columns.iter().zip(&mut buffers).zip(&mut floats) {
        if let Column::Float64(values) = column {
            *float = values.get(row).and_then(|value| plain_f64(*value, buffer));
        }
    }
    for (index, (column, float)) in columns.iter().zip(floats).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match float {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => write_value(out, column, row),
        }
    }
}

fn write_value(out: &mut Vec<u8>, column: &Column<'_>, row: usize) {
    match column {
        Column::Float64(values) => values.get(row).into_iter().for_each(|value| write_f64(out, *value)),
        Column::Float32(values) => values.get(row).into_iter().for_each(|value| write_f32(out, *value)),
        Column::Int64(values) => values.get(row).into_iter().for_each(|value| write_integer(out, *value)),
        Column::UInt64(values) => values.get(row).into_iter().for_each(|value| write_integer(out, *value)),
        Column::Bool(values) => values.get(row).into_iter().for_each(|value| write_bool(out, *value)),
        Column::Object(cells) => cells.get(row).into_iter().for_each(|cell| write_cell(out, cell)),
    }
}

fn write_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Missing => write_f64(out, f64::NAN),
        Cell::None => {}
        Cell::Text(text) => write_text(out, text),
        Cell::Bool(value) => write_bool(out, *value),
        Cell::Int(value) => write_integer(out, *value),
        Cell::Float(value) => write_f64(out, *value),
    }
}

fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"True" } else { b"False" });
}

/// Appends text, in quotes if it holds a separator, a quote or a line end.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn text(columns: Vec<Column<'_>>) -> String {
        let mut out = Vec::new();
        write(&Table { rows: columns[0].len(), columns }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_type_prints_as_python_prints_it() {
        let cells = |texts: &[&'static str]| texts.iter().map(|text| Cell::Text(Cow::Borrowed(*text))).collect();
        assert_eq!(
            text(vec![
                Column::Float64(vec![1.0, 1e-5]),
                Column::Float32(vec![0.1, 2.0]),
                Column::Int64(vec![-3, i64::MIN]),
                Column::UInt64(vec![u64::MAX, 0]),
                Column::Bool(vec![true, false]),
                Column::Object(cells(&["dark, grey", "q\"t"])),
            ]),
            "1.0,0.1,-3,18446744073709551615,True,\"dark, grey\"\n\
             1e-05,2.0,-9223372036854775808,0,False,\"q\"\"t\"\n"
        );
    }

    #[test]
    fn objects_print_by_their_types_and_a_single_empty_cell_is_quoted() {
        let cells = vec![Cell::Missing, Cell::None, Cell::Bool(true), Cell::Int(4), Cell::Float(4.0), Cell::Missing];
        assert_eq!(text(vec![Column::Object(cells)]), "nan\n\"\"\nTrue\n4\n4.0\nnan\n");
    }
}

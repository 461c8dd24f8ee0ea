//! The one type that fits all the fields of a column, in the order in which pandas tries them
//! (`TextReader._convert_tokens` of `pandas/_libs/parsers.pyx`).

use byoc_account::{Allowance, Room as _};
use std::borrow::Cow;

use super::fields::Fields;
use super::number::{NotInteger, parse_f64, parse_i64, parse_u64};
use crate::error::Result;
use crate::payload::table::{Cell, Column};

/// Types one column.
///
/// # Errors
/// When there is no memory for it, or no time.
pub(super) fn typed_column<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Column<'a>> {
    allowance.check_time()?;
    let integers = match integers(fields, column, allowance)? {
        Ok(integers) => return Ok(integers),
        Err(NotInteger::Overflow) => large_integers(fields, column, allowance)?,
        Err(NotInteger::Invalid) => None,
    };
    if let Some(integers) = integers {
        return Ok(integers);
    }
    if let Some(floats) = floats(fields, column, allowance)? {
        return Ok(floats);
    }
    match bools(fields, column, allowance)? {
        Some(bools) => Ok(bools),
        None => text(fields, column, allowance),
    }
}

/// Whether a field stands for a missing value (`STR_NA_VALUES` of `pandas/_libs/parsers.pyx`). Quotes do not protect
/// it.
pub(super) fn is_missing(field: &[u8]) -> bool {
    // Most fields are numbers, and none of these ends in a digit; but for the empty one, none is a single letter.
    if field.len() < 2 || field.last().is_some_and(u8::is_ascii_digit) {
        return field.is_empty();
    }
    matches!(
        field,
        b"#N/A"
            | b"#N/A N/A"
            | b"#NA"
            | b"-1.#IND"
            | b"-1.#QNAN"
            | b"-NaN"
            | b"-nan"
            | b"1.#IND"
            | b"1.#QNAN"
            | b"<NA>"
            | b"N/A"
            | b"NA"
            | b"NULL"
            | b"NaN"
            | b"None"
            | b"n/a"
            | b"nan"
            | b"null"
    )
}

/// Values that lease their memory for all rows with the first of them, so that a try that fails there costs none; what a try
/// took that fails later is given back.
struct Taking<'w, T> {
    values: Vec<T>,
    rows: usize,
    allowance: &'w Allowance,
}

impl<'w, T> Taking<'w, T> {
    fn new(fields: &Fields<'_>, allowance: &'w Allowance) -> Taking<'w, T> {
        Taking { values: Vec::new(), rows: fields.rows(), allowance }
    }

    fn push(&mut self, value: T) -> Result<()> {
        if self.values.capacity() == 0 {
            self.values.make_exact_room(self.rows, self.allowance)?;
        }
        self.values.push(value);
        Ok(())
    }

    fn give_up(self) {
        self.allowance.give_back_items::<T>(self.values.capacity());
    }
}

/// `int64`, or `float64` when some are missing. The first field that is none says what is tried next.
fn integers<'a>(
    fields: &Fields<'a>,
    column: usize,
    allowance: &Allowance,
) -> Result<std::result::Result<Column<'a>, NotInteger>> {
    let mut taking = Taking::new(fields, allowance);
    let mut some_missing = false;
    for field in fields.column(column) {
        let value = if is_missing(&field) {
            some_missing = true;
            0
        } else {
            match parse_i64(&field) {
                Ok(value) => value,
                Err(reason) => {
                    taking.give_up();
                    return Ok(Err(reason));
                }
            }
        };
        taking.push(value)?;
    }
    if !some_missing {
        return Ok(Ok(Column::Int64(taking.values)));
    }
    // In the same memory.
    let mut values: Vec<f64> = taking.values.into_iter().map(|value| value as f64).collect();
    for (value, field) in values.iter_mut().zip(fields.column(column)) {
        if is_missing(&field) {
            *value = f64::NAN;
        }
    }
    Ok(Ok(Column::Float64(values)))
}

/// What becomes of a column with an integer beyond `int64`: `uint64`; or text, where a missing or negative field stands
/// beside a large one (the missing ones as they are written), or where one is larger still. `None` when a field is no
/// integer at all.
fn large_integers<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Option<Column<'a>>> {
    let mut taking = Taking::new(fields, allowance);
    let (mut missing, mut negative, mut large) = (false, false, false);
    for field in fields.column(column) {
        if is_missing(&field) {
            missing = true;
            continue;
        }
        match parse_u64(&field) {
            None => negative = true,
            Some(Ok(value)) => {
                large |= value > i64::MAX as u64;
                taking.push(value)?;
            }
            Some(Err(NotInteger::Overflow)) => {
                taking.give_up();
                return text(fields, column, allowance).map(Some);
            }
            Some(Err(NotInteger::Invalid)) => {
                taking.give_up();
                return Ok(None);
            }
        }
    }
    if !missing && !negative {
        return Ok(Some(Column::UInt64(taking.values)));
    }
    taking.give_up();
    if large { raw_text(fields, column, allowance).map(Some) } else { text(fields, column, allowance).map(Some) }
}

fn floats<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Option<Column<'a>>> {
    let mut taking = Taking::new(fields, allowance);
    for field in fields.column(column) {
        let value = match parse_f64(&field) {
            Some(value) => value,
            None if is_missing(&field) => f64::NAN,
            None => {
                taking.give_up();
                return Ok(None);
            }
        };
        taking.push(value)?;
    }
    Ok(Some(Column::Float64(taking.values)))
}

/// What a field of a column of truths is.
pub(super) enum Truth {
    Value(bool),
    Missing,
}

/// The truth of a field, if it is one or missing.
pub(super) fn truth(field: &[u8]) -> Option<Truth> {
    match field {
        field if field.eq_ignore_ascii_case(b"true") => Some(Truth::Value(true)),
        field if field.eq_ignore_ascii_case(b"false") => Some(Truth::Value(false)),
        field if is_missing(field) => Some(Truth::Missing),
        _ => None,
    }
}

/// `bool`, or objects when some are missing.
fn bools<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Option<Column<'a>>> {
    let mut taking = Taking::new(fields, allowance);
    let mut some_missing = false;
    for field in fields.column(column) {
        match truth(&field) {
            Some(Truth::Value(value)) => taking.push(value)?,
            Some(Truth::Missing) => {
                some_missing = true;
                taking.push(false)?;
            }
            None => {
                taking.give_up();
                return Ok(None);
            }
        }
    }
    if !some_missing {
        return Ok(Some(Column::Bool(taking.values)));
    }
    taking.give_up();
    let mut cells = Taking::new(fields, allowance);
    for field in fields.column(column) {
        cells.push(match truth(&field) {
            Some(Truth::Value(value)) => Cell::Bool(value),
            _ => Cell::Missing,
        })?;
    }
    Ok(Some(Column::Object(cells.values)))
}

fn text<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Column<'a>> {
    cells(fields, column, allowance, |field| match is_missing(field.as_bytes()) {
        true => Cell::Missing,
        false => Cell::Text(field),
    })
}

/// Nothing but text: a missing value is what was written.
fn raw_text<'a>(fields: &Fields<'a>, column: usize, allowance: &Allowance) -> Result<Column<'a>> {
    cells(fields, column, allowance, Cell::Text)
}

fn cells<'a>(
    fields: &Fields<'a>,
    column: usize,
    allowance: &Allowance,
    cell: impl Fn(Cow<'a, str>) -> Cell<'a>,
) -> Result<Column<'a>> {
    let mut taking = Taking::new(fields, allowance);
    for field in fields.texts(column) {
        if let Cow::Owned(text) = &field {
            allowance.take(text.capacity())?;
        }
        taking.push(cell(field))?;
    }
    Ok(Column::Object(taking.values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Column<'_> {
        let allowance = Allowance::unbounded();
        let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &allowance).unwrap();
        typed_column(&fields, 0, &allowance).unwrap()
    }

    fn column(body: &str) -> Column<'static> {
        match read(body) {
            Column::Int64(values) => Column::Int64(values),
            Column::UInt64(values) => Column::UInt64(values),
            Column::Float64(values) => Column::Float64(values),
            Column::Float32(values) => Column::Float32(values),
            Column::Bool(values) => Column::Bool(values),
            Column::Object(cells) => Column::Object(
                cells
                    .into_iter()
                    .map(|cell| match cell {
                        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
                        Cell::Bool(value) => Cell::Bool(value),
                        _ => Cell::Missing,
                    })
                    .collect(),
            ),
        }
    }

    /// Text cells; `\0` stands for a missing one.
    fn object(cells: &[&'static str]) -> Column<'static> {
        let cell = |text: &&'static str| if *text == "\0" { Cell::Missing } else { Cell::Text(Cow::Borrowed(*text)) };
        Column::Object(cells.iter().map(cell).collect())
    }

    #[test]
    fn columns_have_the_types_that_pandas_gives_them() {
        // Recorded from pandas 3.1.1 (and 2.2.3 for integers beyond 64 bits).
        let cases = [
            ("1\n2\n", Column::Int64(vec![1, 2])),
            ("007\n+5\n -0 \n", Column::Int64(vec![7, 5, 0])),
            ("007\nx\n", object(&["007", "x"])),
            ("1.50\nx\n1e3\n", object(&["1.50", "x", "1e3"])),
            ("1\n2.5\n", Column::Float64(vec![1.0, 2.5])),
            ("-0\n0.5\n", Column::Float64(vec![-0.0, 0.5])),
            ("TRUE\nFalse\ntrue\n", Column::Bool(vec![true, false, true])),
            ("True\nNA\n", Column::Object(vec![Cell::Bool(true), Cell::Missing])),
            ("True\n1\n", object(&["True", "1"])),
            ("True \nFalse\n", object(&["True ", "False"])),
            ("T\nF\n", object(&["T", "F"])),
            ("x\n\"NA\"\n NA\nnone\nNone\n", object(&["x", "\0", " NA", "none", "\0"])),
            ("9223372036854775807\n1\n", Column::Int64(vec![i64::MAX, 1])),
            ("9223372036854775808\n1\n", Column::UInt64(vec![1 << 63, 1])),
            ("9223372036854775808\n-1\n", object(&["9223372036854775808", "-1"])),
            ("9223372036854775808\nNA\n", object(&["9223372036854775808", "NA"])),
            ("18446744073709551616\nNA\n", object(&["18446744073709551616", "\0"])),
            ("1.5\n99999999999999999999\n", Column::Float64(vec![1.5, 1e20])),
            ("99999999999999999999\n1.5\n", object(&["99999999999999999999", "1.5"])),
            ("99999999999999999999.5\n1\n", Column::Float64(vec![1e20, 1.0])),
            ("9223372036854775808\n1.5\n", Column::Float64(vec![9223372036854775808.0, 1.5])),
            ("1e400\n2\n", Column::Float64(vec![f64::INFINITY, 2.0])),
            (" inf\n2\n", object(&[" inf", "2"])),
            ("1_000\n2\n", object(&["1_000", "2"])),
        ];
        for (body, expected) in cases {
            assert_eq!(column(body), expected, "{body:?}");
        }
    }

    #[test]
    fn missing_numbers_are_nan_and_a_column_without_any_value_is_float() {
        for body in ["NA\n1\nnull\n", "-NaN\n2.5\n#N/A N/A\n", "NULL\nnan\n-1.#IND\n"] {
            let Column::Float64(values) = column(body) else { panic!("{body:?}") };
            assert!(values[0].is_nan() && values[2].is_nan(), "{body:?}");
        }
    }
}

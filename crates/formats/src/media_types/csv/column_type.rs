//! The one type that fits all the fields of a column, in the order in which pandas tries them
//! (`TextReader._convert_tokens` of `pandas/_libs/parsers.pyx`); or the dtype that is set for it.

use byoc_account::{Allowance, LeasedGrowth as _};
use std::borrow::Cow;

use super::fields::Fields;

use crate::error::{Place, Result};
use crate::numbers::parse::{NotInteger, parse_f64, parse_i64, parse_u64};
use crate::rows::convert::convert;
use crate::rows::missing_texts::MissingTexts;
use crate::rows::reading::{ReadAs, Reading};
use crate::rows::table::{Cell, Column};

/// Reads one column, as the dtype that is set for it, or else as the one that fits all its fields.
///
/// # Errors
/// When the memory or the time runs out; and, with row and byte, for a field that is not of the dtype that is set.
pub(super) fn typed_column<'a>(
    fields: &Fields<'a>,
    column: usize,
    reading: Reading,
    allowance: &Allowance,
) -> Result<Column<'a>> {
    allowance.check_time()?;
    let cells = Cells { fields, column, missing: reading.missing, allowance };
    let Some(dtype) = reading.dtype else { return cells.inferred() };
    let read = match dtype {
        ReadAs::Str => return cells.text(),
        // pandas tries floats first here, also for integers that are too large for int64.
        ReadAs::Float64 => cells.floats()?,
        ReadAs::Int64 | ReadAs::Bool => None,
    };
    let read = read.map_or_else(|| cells.inferred(), Ok)?;
    convert(read, dtype, column, allowance)?.map_err(|refused| {
        let place = Place::row(refused.row + 1);
        let byte = fields.start(refused.row, column);
        refused.error.at(byte.map_or(place.clone(), |byte| place.at_byte(byte)))
    })
}

/// The fields of one column, and which of them are missing.
struct Cells<'f, 'a, 'w> {
    fields: &'f Fields<'a>,
    column: usize,
    missing: MissingTexts,
    allowance: &'w Allowance,
}

/// Values that take the memory for all rows with the first value, so that an attempt that fails at once takes none. The
/// memory of an attempt that fails later is given back.
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
            self.values.reserve_exact_leased(self.rows, self.allowance)?;
        }
        self.values.push(value);
        Ok(())
    }

    fn give_up(self) {
        self.allowance.give_back_items::<T>(self.values.capacity());
    }
}

impl<'a> Cells<'_, 'a, '_> {
    /// The type that fits all fields.
    fn inferred(&self) -> Result<Column<'a>> {
        let integers = match self.integers()? {
            Ok(integers) => return Ok(integers),
            Err(NotInteger::Overflow) => self.large_integers()?,
            Err(NotInteger::Invalid) => None,
        };
        if let Some(integers) = integers {
            return Ok(integers);
        }
        if let Some(floats) = self.floats()? {
            return Ok(floats);
        }
        match self.bools()? {
            Some(bools) => Ok(bools),
            None => self.text(),
        }
    }

    /// `int64`, or `float64` if some are missing. The first field that is not an integer decides what is tried next.
    fn integers(&self) -> Result<std::result::Result<Column<'a>, NotInteger>> {
        let mut taking = Taking::new(self.fields, self.allowance);
        let mut some_missing = false;
        for field in self.fields.column(self.column) {
            let value = if self.missing.has(&field) {
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
        for (value, field) in values.iter_mut().zip(self.fields.column(self.column)) {
            if self.missing.has(&field) {
                *value = f64::NAN;
            }
        }
        Ok(Ok(Column::Float64(values)))
    }

    /// A column with an integer beyond `int64`: `uint64`; or text, if it also has a missing or negative field (missing
    /// ones as they are written), or a larger integer still. `None` if a field is not an integer.
    fn large_integers(&self) -> Result<Option<Column<'a>>> {
        let mut taking = Taking::new(self.fields, self.allowance);
        let (mut missing, mut negative, mut large) = (false, false, false);
        for field in self.fields.column(self.column) {
            if self.missing.has(&field) {
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
                    return self.text().map(Some);
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
        if large { self.raw_text().map(Some) } else { self.text().map(Some) }
    }

    fn floats(&self) -> Result<Option<Column<'a>>> {
        let mut taking = Taking::new(self.fields, self.allowance);
        for field in self.fields.column(self.column) {
            let value = match parse_f64(&field) {
                Some(value) => value,
                None if self.missing.has(&field) => f64::NAN,
                None => {
                    taking.give_up();
                    return Ok(None);
                }
            };
            taking.push(value)?;
        }
        Ok(Some(Column::Float64(taking.values)))
    }

    /// `bool`, or objects when some are missing.
    fn bools(&self) -> Result<Option<Column<'a>>> {
        let mut taking = Taking::new(self.fields, self.allowance);
        let mut some_missing = false;
        for field in self.fields.column(self.column) {
            match parse_bool(&field, self.missing) {
                Some(ParsedBool::Value(value)) => taking.push(value)?,
                Some(ParsedBool::Missing) => {
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
        let mut cells = Taking::new(self.fields, self.allowance);
        for field in self.fields.column(self.column) {
            cells.push(match parse_bool(&field, self.missing) {
                Some(ParsedBool::Value(value)) => Cell::Bool(value),
                _ => Cell::Missing,
            })?;
        }
        Ok(Some(Column::Object(cells.values)))
    }

    fn text(&self) -> Result<Column<'a>> {
        self.cells(|field| match self.missing.has(field.as_bytes()) {
            true => Cell::Missing,
            false => Cell::Text(field),
        })
    }

    /// Text only: a missing value stays as it is written.
    fn raw_text(&self) -> Result<Column<'a>> {
        self.cells(Cell::Text)
    }

    fn cells(&self, cell: impl Fn(Cow<'a, str>) -> Cell<'a>) -> Result<Column<'a>> {
        let mut taking = Taking::new(self.fields, self.allowance);
        for field in self.fields.texts(self.column) {
            if let Cow::Owned(text) = &field {
                self.allowance.take(text.capacity())?;
            }
            taking.push(cell(field))?;
        }
        Ok(Column::Object(taking.values))
    }
}

/// A field of a column of bools.
pub(super) enum ParsedBool {
    Value(bool),
    Missing,
}

/// The bool of a field; `None` if it is neither a bool nor missing.
pub(super) fn parse_bool(field: &[u8], missing: MissingTexts) -> Option<ParsedBool> {
    match field {
        field if field.eq_ignore_ascii_case(b"true") => Some(ParsedBool::Value(true)),
        field if field.eq_ignore_ascii_case(b"false") => Some(ParsedBool::Value(false)),
        field if missing.has(field) => Some(ParsedBool::Missing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::missing_texts::Pandas;

    fn read(body: &str) -> Column<'_> {
        let allowance = Allowance::unbounded();
        let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &allowance).unwrap();
        typed_column(&fields, 0, Reading::default(), &allowance).unwrap()
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

    /// Text cells; `\0` is a missing one.
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

    /// The values as JSON, as `tests/fixtures/pandas/tokens.py` prints them.
    fn as_json(column: &Column<'_>) -> serde_json::Value {
        let float = |value: &f64| match value {
            value if value.is_infinite() => format!("{}Infinity", if *value < 0.0 { "-" } else { "" }).into(),
            value => serde_json::Value::from(*value),
        };
        match column {
            Column::Int64(values) => values.clone().into(),
            Column::UInt64(values) => values.clone().into(),
            Column::Float64(values) => values.iter().map(float).collect(),
            Column::Float32(values) => values.clone().into(),
            Column::Bool(values) => values.clone().into(),
            Column::Object(cells) => cells
                .iter()
                .map(|cell| match cell {
                    Cell::Text(text) => serde_json::Value::from(&**text),
                    _ => serde_json::Value::Null,
                })
                .collect(),
        }
    }

    #[test]
    fn a_column_with_a_dtype_is_read_or_refused_as_by_pandas() {
        let table = include_str!("../../../../../tests/fixtures/pandas/dtypes.csv");
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        let mut counts = (0, 0);
        for record in reader.records().map(Result::unwrap) {
            let [version, cells, dtype, expected] = [0, 1, 2, 3].map(|index| &record[index]);
            let pandas = match version {
                "3.1.1" => Pandas::V2,
                // Older versions differ in spellings and rounding, but not in what is missing.
                "1.1.3" if cells == "None" => Pandas::V1,
                _ => continue,
            };
            let body: String = cells.split('|').map(|cell| format!("\"{cell}\",0\n")).collect();
            let reading = Reading { dtype: ReadAs::from_name(dtype), missing: MissingTexts::of(pandas) };
            let allowance = Allowance::unbounded();
            let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &allowance).unwrap();
            let found = typed_column(&fields, 0, reading, &allowance);
            match (found, expected.strip_prefix("raises ")) {
                (Ok(column), None) => {
                    let expected = match expected {
                        "[Infinity]" => "[\"Infinity\"]",
                        "[-Infinity]" => "[\"-Infinity\"]",
                        expected => expected,
                    };
                    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
                    assert_eq!(as_json(&column), expected, "{version} {cells:?} {dtype}");
                    counts.0 += 1;
                }
                (Err(error), Some(raised)) => {
                    let raised = raised.split_once(": ").unwrap().1;
                    let place = error.place().unwrap();
                    assert!(place.row.is_some() && place.byte.is_some(), "{error}");
                    let said = error.message().split_once("pandas says: ").unwrap().1;
                    // Integers with gaps are floats here already.
                    let said = if cells.contains("7|") || cells.contains("|7") {
                        said.replace("float64 dtyped", "int64 dtyped")
                    } else {
                        said.into()
                    };
                    // For some texts, and for values that are both missing and not integers, pandas has other messages
                    // than for their kind.
                    let is_other = raised == "Overflow"
                        || matches!(cells, "1_0" | "NA|x" | "1.5|" | "|7")
                        || cells.starts_with("True|");
                    assert!(said == raised || is_other, "{version} {cells:?} {dtype}: {said} / {raised}");
                    counts.1 += 1;
                }
                (found, _) => panic!("{version} {cells:?} {dtype}: found {found:?}, expected {expected}"),
            }
        }
        assert!(counts.0 > 100 && counts.1 > 60, "{counts:?}");
    }

    #[test]
    fn a_missing_value_may_be_read_as_text() {
        let allowance = Allowance::unbounded();
        let read = |body: &str, missing: MissingTexts| {
            let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &allowance).unwrap();
            format!("{:?}", typed_column(&fields, 0, Reading { dtype: None, missing }, &allowance).unwrap())
        };
        let old = MissingTexts::of(Pandas::V1);
        // A None among numbers makes them text, which scikit-learn then cannot convert.
        assert_eq!(read("1\nNone\n", MissingTexts::NEWEST), "Float64([1.0, NaN])");
        assert_eq!(read("1\nNone\n", old), "Object([Text(\"1\"), Text(\"None\")])");
        assert_eq!(read("True\nNone\n", old), "Object([Text(\"True\"), Text(\"None\")])");
        assert_eq!(read("NA\nNone\n", old), "Object([Missing, Text(\"None\")])");
        let without_empty = MissingTexts::NEWEST.without(MissingTexts::only(""));
        assert_eq!(read("x\n\"\"\n", without_empty), "Object([Text(\"x\"), Text(\"\")])");
        assert_eq!(read("1\n\"\"\n", without_empty), "Object([Text(\"1\"), Text(\"\")])");
    }
}

//! CSV in pieces: the whole records of each piece, and the dtype of each column over all pieces.
//!
//! The rules are those of `column_type`, which sees a whole body at once. Here each piece is examined, and the findings
//! are combined. The dtype of a column is known after the last piece; then the pieces are read again as that dtype. The
//! texts that the newest pandas reads as missing are missing.

use super::column_type::{ParsedBool, parse_bool};
use super::fields::Fields;

use crate::error::Result;
use crate::numbers::parse::{NotInteger, parse_f64, parse_i64, parse_u64};
use crate::rows::missing_texts::MissingTexts;
use crate::rows::table::{Cell, Column, Table};
use std::borrow::Cow;

/// The whole records of a piece of text.
pub struct Records<'a> {
    fields: Fields<'a>,
    end: usize,
}

impl<'a> Records<'a> {
    /// Finds them. `width` is the number of fields of the very first record, `None` in the piece that has it. What
    /// follows the last whole record is left for the next piece, unless this is the last.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](crate::error::Cause::BadPayload) for text that is not UTF-8, a record longer than the
    /// first, or a quoted field that never ends; with row and byte of the piece.
    pub fn find(text: &'a [u8], width: Option<usize>, is_last: bool) -> Result<Records<'a>> {
        let (fields, end) = Fields::find_whole(text, width, is_last)?;
        Ok(Records { fields, end })
    }

    /// The number of records.
    pub fn rows(&self) -> usize {
        self.fields.rows()
    }

    /// The number of fields of each record.
    pub fn width(&self) -> usize {
        self.fields.width()
    }

    /// The number of bytes of the text that the records take.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The records as a table, by the types that their columns have over all pieces.
    pub fn table(&self, types: &[ColumnType]) -> Table<'a> {
        let columns = types.iter().enumerate().map(|(column, kind)| kind.read(&self.fields, column)).collect();
        Table { rows: self.rows(), columns }
    }
}

/// What is known about a column so far.
#[derive(Clone, Debug)]
pub struct Typing {
    /// Why the first field that is not an `int64` is not one.
    first_no_i64: Option<NotInteger>,
    /// The same for `uint64`; a negative number does not count.
    first_no_u64: Option<NotInteger>,
    missing: bool,
    negative: bool,
    /// Above the largest `int64`.
    large: bool,
    all_floats: bool,
    all_booleans: bool,
}

impl Default for Typing {
    fn default() -> Typing {
        Typing {
            first_no_i64: None,
            first_no_u64: None,
            missing: false,
            negative: false,
            large: false,
            all_floats: true,
            all_booleans: true,
        }
    }
}

impl Typing {
    /// Examines a column of some records.
    pub fn see(&mut self, records: &Records<'_>, column: usize) {
        for field in records.fields.column(column) {
            self.see_field(&field);
        }
    }

    fn see_field(&mut self, field: &[u8]) {
        if MissingTexts::NEWEST.has(field) {
            self.missing = true;
            return;
        }
        // An int64 is also a float, and not a bool.
        match parse_i64(field) {
            Ok(value) => {
                self.negative |= value < 0 || field.contains(&b'-');
                self.all_booleans = false;
                return;
            }
            Err(reason) => drop(self.first_no_i64.get_or_insert(reason)),
        }
        match parse_u64(field) {
            None => self.negative = true,
            Some(Ok(value)) => self.large |= value > i64::MAX as u64,
            Some(Err(reason)) => drop(self.first_no_u64.get_or_insert(reason)),
        }
        self.all_floats = self.all_floats && parse_f64(field).is_some();
        self.all_booleans = self.all_booleans && parse_bool(field, MissingTexts::NEWEST).is_some();
    }

    /// The dtype, after all pieces.
    pub fn column_type(&self) -> ColumnType {
        match (&self.first_no_i64, &self.first_no_u64) {
            (None, _) if self.missing => ColumnType::IntegersWithGaps,
            (None, _) => ColumnType::Int64,
            (Some(NotInteger::Overflow), Some(NotInteger::Overflow)) => ColumnType::Text,
            (Some(NotInteger::Overflow), None) if self.large && (self.missing || self.negative) => ColumnType::RawText,
            (Some(NotInteger::Overflow), None) if self.missing || self.negative => ColumnType::Text,
            (Some(NotInteger::Overflow), None) => ColumnType::UInt64,
            _ if self.all_floats => ColumnType::Float64,
            _ if self.all_booleans && self.missing => ColumnType::BoolWithGaps,
            _ if self.all_booleans => ColumnType::Bool,
            _ => ColumnType::Text,
        }
    }
}

/// The dtype of a column over all pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `int64`
    Int64,
    /// `float64`, of integers.
    IntegersWithGaps,
    /// `uint64`
    UInt64,
    /// `float64`
    Float64,
    /// `bool`
    Bool,
    /// `object`, of bools and missing values.
    BoolWithGaps,
    /// `object`, of text and missing values.
    Text,
    /// `object`, of text only: a missing value stays as it is written.
    RawText,
}

impl ColumnType {
    /// Parses the fields of a column, which all have this type.
    fn read<'a>(self, fields: &Fields<'a>, column: usize) -> Column<'a> {
        let bytes = || fields.column(column);
        let integer = |field: &[u8]| parse_i64(field).unwrap_or_default();
        match self {
            ColumnType::Int64 => Column::Int64(bytes().map(|field| integer(&field)).collect()),
            ColumnType::IntegersWithGaps => {
                let number =
                    |field: &[u8]| if MissingTexts::NEWEST.has(field) { f64::NAN } else { integer(field) as f64 };
                Column::Float64(bytes().map(|field| number(&field)).collect())
            }
            ColumnType::UInt64 => {
                let number = |field: &[u8]| parse_u64(field).and_then(Result::ok).unwrap_or_default();
                Column::UInt64(bytes().map(|field| number(&field)).collect())
            }
            ColumnType::Float64 => {
                Column::Float64(bytes().map(|field| parse_f64(&field).unwrap_or(f64::NAN)).collect())
            }
            ColumnType::Bool => Column::Bool(
                bytes()
                    .map(|field| matches!(parse_bool(&field, MissingTexts::NEWEST), Some(ParsedBool::Value(true))))
                    .collect(),
            ),
            ColumnType::BoolWithGaps => {
                let cell = |field: &[u8]| match parse_bool(field, MissingTexts::NEWEST) {
                    Some(ParsedBool::Value(value)) => Cell::Bool(value),
                    _ => Cell::Missing,
                };
                Column::Object(bytes().map(|field| cell(&field)).collect())
            }
            ColumnType::Text => {
                let cell = |field: Cow<'a, str>| match MissingTexts::NEWEST.has(field.as_bytes()) {
                    true => Cell::Missing,
                    false => Cell::Text(field),
                };
                Column::Object(fields.texts(column).map(cell).collect())
            }
            ColumnType::RawText => Column::Object(fields.texts(column).map(Cell::Text).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads text in pieces of `piece` bytes.
    fn in_pieces(text: &str, piece: usize) -> Result<Vec<Vec<String>>> {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let (mut width, mut typings) = (None, Vec::new());
        let (mut rest, mut pending) = (text.as_bytes(), Vec::new());
        loop {
            let taken = rest.len().min(piece);
            pending.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            let is_last = rest.is_empty();
            let records = Records::find(&pending, width, is_last)?;
            if records.rows() > 0 {
                width = Some(records.width());
                typings.resize_with(records.width(), Typing::default);
                (0..records.width()).for_each(|column| typings[column].see(&records, column));
            }
            let end = records.end();
            pieces.push(pending[..end].to_vec());
            pending.drain(..end);
            if is_last {
                break;
            }
        }
        let types: Vec<ColumnType> = typings.iter().map(Typing::column_type).collect();
        let mut columns = vec![Vec::new(); types.len()];
        for piece in &pieces {
            let records = Records::find(piece, width, true)?;
            for (all, column) in columns.iter_mut().zip(records.table(&types).columns) {
                all.extend(shown(&column));
            }
        }
        Ok(columns)
    }

    /// The cells of a column with their type.
    fn shown(column: &Column<'_>) -> Vec<String> {
        let dtype = column.dtype();
        match column {
            Column::Int64(values) => values.iter().map(|value| format!("{dtype} {value}")).collect(),
            Column::UInt64(values) => values.iter().map(|value| format!("{dtype} {value}")).collect(),
            Column::Float64(values) => values.iter().map(|value| format!("{dtype} {value:?}")).collect(),
            Column::Float32(values) => values.iter().map(|value| format!("{dtype} {value:?}")).collect(),
            Column::Bool(values) => values.iter().map(|value| format!("{dtype} {value}")).collect(),
            Column::Object(cells) => cells.iter().map(|cell| format!("{cell:?}")).collect(),
        }
    }

    fn whole(text: &str) -> Result<Vec<Vec<String>>> {
        Ok(super::super::read(text.as_bytes(), &|_| Ok(()), crate::testing::unbounded())?
            .columns
            .iter()
            .map(shown)
            .collect())
    }

    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "-?[0-9]{1,3}",
            2 => "-?[0-9]{0,2}\\.[0-9]{0,2}",
            2 => prop_oneof![Just("NA"), Just(""), Just("True"), Just("false"), Just("-0"), Just("1e5")]
                .prop_map(str::to_owned),
            1 => prop_oneof![
                Just("9223372036854775808"), Just("99999999999999999999"), Just("-9223372036854775809"),
                Just("\"a,b\"\"\n\""), Just("é")
            ].prop_map(str::to_owned),
            1 => "[ax ]{1,3}",
        ]
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(
            rows in proptest::collection::vec((field(), field()), 1..12),
            piece in 1usize..40,
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            is_closed in any::<bool>(),
        ) {
            let lines: Vec<String> = rows.iter().map(|(one, other)| format!("{one},{other}")).collect();
            let text = lines.join(end) + if is_closed { end } else { "" };
            match (whole(&text), in_pieces(&text, piece)) {
                (Ok(whole), Ok(pieces)) => prop_assert_eq!(whole, pieces, "{:?}", text),
                (whole, pieces) => prop_assert_eq!(whole.is_err(), pieces.is_err(), "{:?}", text),
            }
        }
    }

    #[test]
    fn an_incomplete_record_waits_for_the_next_piece() {
        let ends = |text: &str, is_last| {
            let records = Records::find(text.as_bytes(), None, is_last).unwrap();
            (records.rows(), records.end())
        };
        assert_eq!(ends("1,2\n3,", false), (1, 4));
        assert_eq!(ends("1,2\n3,", true), (2, 6));
        assert_eq!(ends("1,\"a\n", false), (0, 0));
        assert_eq!(ends("1", false), (0, 0));
        assert_eq!(ends("", true), (0, 0));
        assert!(Records::find(b"1,2\n1,2,3\n", None, false).is_err());
        assert!(Records::find(b"1,2,3\n", Some(2), false).is_err());
        // A character that is cut in two.
        let cut = &"1,2\n3,é".as_bytes()[..7];
        assert_eq!(Records::find(cut, None, false).map(|found| found.rows()).unwrap(), 1);
        assert!(Records::find(cut, None, true).is_err());
    }
}

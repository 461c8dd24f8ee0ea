//! The state of reading a JSON body, and what its instances are read into.

use super::words::Words;
use crate::error::{Error, Place, Result};
use crate::json_syntax::{NotJson, not_json};
use byoc_account::Allowance;
use serde::de::DeserializeSeed;
use serde_json::error::Category;
use std::borrow::Cow;
use std::fmt;

/// A value that is neither a list nor an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'de> {
    /// No value, if an object does not name a column.
    Missing,
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Missing => f.write_str("nothing"),
            Scalar::Null => f.write_str("null"),
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Int(value) => write!(f, "{value}"),
            Scalar::UInt(value) => write!(f, "{value}"),
            Scalar::Float(value) => write!(f, "{value}"),
            Scalar::Text(text) => f.write_str(&crate::excerpt::excerpt(text.as_bytes())),
        }
    }
}

/// Refuses scalars in the words of the visitor, whose field `reading` or `0` is the state of reading; with `map` or
/// `seq`, objects or lists too.
macro_rules! refuse_scalars {
    ($reading:tt) => {
        refuse_scalars! { @ $reading;
            visit_bool: bool, Bool; visit_i64: i64, Int; visit_u64: u64, UInt; visit_f64: f64, Float;
            visit_str: &str, Text;
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            let expected = (&self as &dyn serde::de::Expected).to_string();
            Err(self.$reading.refuse(&expected, crate::media_types::json::reading::Scalar::Null))
        }
    };
    ($reading:tt, map) => {
        refuse_scalars! { $reading }

        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            let expected = (&self as &dyn serde::de::Expected).to_string();
            Err(self.$reading.refuse(&expected, "an object"))
        }
    };
    ($reading:tt, seq) => {
        refuse_scalars! { $reading }

        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            let expected = (&self as &dyn serde::de::Expected).to_string();
            Err(self.$reading.refuse(&expected, "a list"))
        }
    };
    (@ $reading:tt; $($visit:ident: $type:ty, $scalar:ident;)*) => {
        $(fn $visit<E: serde::de::Error>(self, value: $type) -> Result<Self::Value, E> {
            let expected = (&self as &dyn serde::de::Expected).to_string();
            let found = crate::media_types::json::reading::Scalar::$scalar(value.into());
            Err(self.$reading.refuse(&expected, found))
        })*
    };
}
pub(super) use refuse_scalars;

/// What instances are read into.
pub(crate) trait Rows<'de> {
    /// Appends a value to the open row.
    fn value(&mut self, value: Scalar<'de>) -> Result<()>;
    /// Appends a sparse column number to the open row.
    fn key(&mut self, key: u64) -> Result<()>;
    /// Closes the open row: a value for each column.
    fn end_dense(&mut self) -> Result<()>;
    /// Closes the open row: a value for each key. `shape` is the width that the row itself claims.
    fn end_sparse(&mut self, shape: Option<u64>) -> Result<()>;

    /// Which column has a name.
    ///
    /// # Errors
    /// When the allowance has no memory for the index of names.
    fn column(&mut self, _name: &str) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Takes a value for a column that has a name, in any order.
    fn named_value(&mut self, _column: usize, _value: Scalar<'de>) -> Result<()> {
        Ok(())
    }

    /// Closes the open row: the values that were named since the last row.
    fn end_named(&mut self) -> Result<()> {
        Err(Error::bad_payload(
            "expected an instance such as {\"features\": [1.5, 16.0]}, found an object without features",
        ))
    }

    /// Whether a name is a column's; it need not be.
    ///
    /// # Errors
    /// As [`Rows::column`].
    fn is_column(&mut self, _name: &str) -> Result<bool> {
        Ok(false)
    }

    /// Whether columns have names.
    fn has_names(&self) -> bool {
        false
    }

    /// Forgets the unknown names.
    fn forget_names(&mut self) {}

    /// The error where some name should have been a column's and none was.
    fn no_column(&self) -> Error {
        Error::bad_payload("expected names of the model's columns, which have none")
    }

    /// Begins a column that has a name and comes as a whole.
    ///
    /// # Errors
    /// When it came before, or the allowance has no memory for columns.
    fn begin_column(&mut self, _column: usize) -> Result<()> {
        Ok(())
    }

    /// Takes the value of a row, counted from 0, for such a column, row after row.
    fn column_value(&mut self, _column: usize, _row: usize, _value: Scalar<'de>) -> Result<()> {
        Ok(())
    }

    /// Closes all rows, which came column by column.
    fn end_columns(&mut self, _rows: usize) -> Result<()> {
        Ok(())
    }

    /// The allowance for the memory of rows.
    fn allowance(&self) -> &Allowance;
}

/// The state of reading a body. Our errors are kept here, since serde_json's hold only text.
pub(crate) struct Reading<'r, R> {
    pub(super) rows: &'r mut R,
    /// The words that some strings replace.
    pub(super) words: Option<&'r Words<'r>>,
    /// The instance that is being read, counted from 1.
    pub(super) row: Option<usize>,
    failure: Option<Error>,
}

impl<'r, R> Reading<'r, R> {
    pub(crate) fn new(rows: &'r mut R, words: Option<&'r Words<'r>>) -> Reading<'r, R> {
        Reading { rows, words, row: None, failure: None }
    }

    /// What follows belongs to the next instance.
    pub(super) fn go_to_next_row(&mut self) {
        self.row = Some(self.row.unwrap_or(0) + 1);
    }

    /// What follows belongs to no instance.
    pub(super) fn leave_instances(&mut self) {
        self.row = None;
    }

    /// What follows belongs to this row, counted from 0.
    pub(super) fn go_to_row(&mut self, row: usize) {
        self.row = Some(row + 1);
    }

    /// Closes the open row, whose values came without a list around them.
    pub(super) fn end_bare_row<'de, E: serde::de::Error>(&mut self) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        self.rows.end_dense().map_err(|error| self.fail(error))
    }

    pub(super) fn end_named<'de, E: serde::de::Error>(&mut self) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        self.rows.end_named().map_err(|error| self.fail(error))
    }

    pub(super) fn begin_column<'de, E: serde::de::Error>(&mut self, column: usize) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        self.rows.begin_column(column).map_err(|error| self.fail(error))
    }

    pub(super) fn end_columns<'de, E: serde::de::Error>(&mut self, rows: usize) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        self.rows.end_columns(rows).map_err(|error| self.fail(error))
    }

    pub(super) fn column<'de, E: serde::de::Error>(&mut self, name: &str) -> Result<Option<usize>, E>
    where
        R: Rows<'de>,
    {
        self.rows.column(name).map_err(|error| self.fail(error))
    }

    pub(super) fn is_column<'de, E: serde::de::Error>(&mut self, name: &str) -> Result<bool, E>
    where
        R: Rows<'de>,
    {
        self.rows.is_column(name).map_err(|error| self.fail(error))
    }

    pub(super) fn has_names<'de>(&self) -> bool
    where
        R: Rows<'de>,
    {
        self.rows.has_names()
    }

    pub(super) fn forget_names<'de>(&mut self)
    where
        R: Rows<'de>,
    {
        self.rows.forget_names();
    }

    /// The error of a member that names columns and has none of the model's.
    pub(super) fn no_column_of<'de, E: serde::de::Error>(&mut self, member: &str) -> E
    where
        R: Rows<'de>,
    {
        let error = self.rows.no_column().context(member);
        self.fail(error)
    }

    pub(super) fn allowance<'de>(&self) -> &Allowance
    where
        R: Rows<'de>,
    {
        self.rows.allowance()
    }

    /// Keeps an error and returns the one that makes serde_json stop.
    pub(super) fn fail<E: serde::de::Error>(&mut self, error: Error) -> E {
        self.failure = Some(error);
        E::custom("")
    }

    /// Refuses a value of another kind than the visitor expects.
    pub(super) fn refuse<E: serde::de::Error>(&mut self, expected: &str, found: impl fmt::Display) -> E {
        self.fail(Error::bad_payload(format!("expected {expected}, found {found}")))
    }

    /// The error that stopped the reading of `text`, which starts at byte `offset` of the body.
    pub(crate) fn error(&mut self, error: &serde_json::Error, text: &[u8], offset: usize) -> Error {
        let is_about_a_value = error.is_data() || matches!(not_json(text, error), NotJson::NumberTooLarge);
        let byte = byte_of(text, error).map(|byte| if is_about_a_value { value_start(text, byte) } else { byte });
        let place = Place { row: self.row, byte: byte.map(|byte| offset + byte), ..Place::default() };
        let ours = self.failure.take().unwrap_or_else(|| {
            Error::bad_payload(match error.classify() {
                Category::Data => without_place(error),
                Category::Syntax | Category::Eof | Category::Io => match not_json(text, error) {
                    NotJson::NumberTooLarge => {
                        "found a number that float64 cannot hold: expected one below 1.8e308".to_owned()
                    }
                    why => format!("{why}: this is not JSON"),
                },
            })
        });
        ours.at(place)
    }
}

/// The message of a visitor, without the position that serde_json adds.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// The byte of an error. serde_json counts lines and columns from 1; line 0 means that there is no place.
fn byte_of(text: &[u8], error: &serde_json::Error) -> Option<usize> {
    let earlier_lines = error.line().checked_sub(1)?;
    let line = match earlier_lines.checked_sub(1) {
        None => 0,
        Some(newline) => memchr::memchr_iter(b'\n', text).nth(newline)? + 1,
    };
    Some(line + error.column().saturating_sub(1))
}

/// The first byte of the string, number or word that `byte` is a part of, since serde_json gives the last one. Other
/// bytes stay as they are.
fn value_start(text: &[u8], byte: usize) -> usize {
    let mut start = 0;
    while let Some([first, rest @ ..]) = text.get(start..).filter(|_| start <= byte) {
        let length = match first {
            b'"' => 1 + string_length(rest),
            b'[' | b']' | b'{' | b'}' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => 1 + rest.iter().take_while(|byte| is_of_word(**byte)).count(),
        };
        if byte < start + length {
            return start;
        }
        start += length;
    }
    byte
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// The length of a string after its first quote, with its last quote.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let last = text.iter().position(|byte| {
        let is_last = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_last
    });
    last.map_or(text.len(), |last| last + 1)
}

/// Reads a text to its end.
pub(super) fn read_as<'de, S: DeserializeSeed<'de>>(seed: S, text: &'de [u8]) -> serde_json::Result<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

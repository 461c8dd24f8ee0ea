//! One instance of a JSON or JSON Lines body, read straight into the rows that are being built.
//!
//! The forms (docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html): `{"features": [1.5, 16.0]}`,
//! `{"data": {"features": {"values": [1.5, 16.0]}}}` and, sparse,
//! `{"data": {"features": {"keys": [26, 182], "shape": [2000], "values": [1, 4]}}}`. The page calls the list a
//! shorthand for `features.values`, so both kinds of `features` are read at both places. Other members are ignored.
//!
//! Two forms are our own, and what callers of scikit-learn send: a bare list `[1.5, 16.0]`, and, where columns have
//! names, an object `{"width": 1.5, "height": 16.0}` of a value for each. `features` and `data` are names of columns
//! too where a value stands behind them, and no list or object.

use super::outline::AnyShape;
use super::words::Words;
use crate::error::{Error, Place, Result};
use byoc_account::Allowance;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value that is neither a list nor an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'de> {
    /// No value at all, where an object does not name a column.
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

    /// Whether a name is a column's, which is asked of names that need not be.
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

    /// Forgets the unknown names that were asked for.
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

    /// What the memory of rows is taken from.
    fn allowance(&self) -> &Allowance;
}

/// The state of reading a body. Our errors are kept here, since serde_json's hold only text.
pub(crate) struct Reading<'r, R> {
    rows: &'r mut R,
    /// The words that some strings stand for.
    words: Option<&'r Words<'r>>,
    /// The instance that is being read, counted from 1.
    row: Option<usize>,
    failure: Option<Error>,
}

impl<'r, R> Reading<'r, R> {
    pub(crate) fn new(rows: &'r mut R, words: Option<&'r Words<'r>>) -> Reading<'r, R> {
        Reading { rows, words, row: None, failure: None }
    }

    /// The seed that reads the next instance.
    pub(crate) fn next_instance(&mut self) -> Instance<'_, 'r, R> {
        self.row = Some(self.row.unwrap_or(0) + 1);
        Instance(self)
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

    /// The error that stopped the reading of `text`, which starts at byte `offset` of the body.
    pub(crate) fn error(&mut self, error: &serde_json::Error, text: &[u8], offset: usize) -> Error {
        let byte = byte_of(text, error);
        let place = Place { row: self.row, byte: byte.map(|byte| offset + byte), ..Place::default() };
        let ours = self.failure.take().unwrap_or_else(|| {
            let whole = error.to_string();
            let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
            Error::bad_payload(match error.classify() {
                serde_json::error::Category::Data => message.to_owned(),
                _ if message == "number out of range" => {
                    "found a number that float64 cannot hold: expected one below 1.8e308".to_owned()
                }
                _ => format!("expected JSON, found something else: {message}"),
            })
        });
        ours.at(place)
    }
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

/// Hands the visit of each sort of scalar on to the visitor of values that `self.value()` gives, and answers what it
/// gives with it.
macro_rules! visit_scalars {
    ($answer:ty) => {
        visit_scalars! { @ $answer;
            visit_unit; visit_bool: bool; visit_i64: i64; visit_u64: u64; visit_f64: f64; visit_str: &str;
            visit_borrowed_str: &'de str;
        }
    };
    (@ $answer:ty; $($visit:ident $(: $type:ty)?;)*) => {
        $(fn $visit<E: serde::de::Error>(self $(, value: $type)?) -> Result<$answer, E> {
            let (visitor, answer) = self.value()?;
            visitor.$visit($({ let value: $type = value; value })?).map(|()| answer)
        })*
    };
}
pub(super) use visit_scalars;

/// Reads one instance into one row.
pub(crate) struct Instance<'a, 'r, R>(&'a mut Reading<'r, R>);

enum InstanceMember {
    Features,
    Data,
    Column(usize),
    Other,
}

/// The name of an instance's member.
struct MemberName<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for MemberName<'_, '_, R> {
    type Value = InstanceMember;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<InstanceMember, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for MemberName<'_, '_, R> {
    type Value = InstanceMember;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<InstanceMember, E> {
        Ok(match name {
            "features" => InstanceMember::Features,
            "data" => InstanceMember::Data,
            name => self.0.column(name)?.map_or(InstanceMember::Other, InstanceMember::Column),
        })
    }
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Instance<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Instance<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instance such as {\"features\": [1.5, 16.0]} or [1.5, 16.0]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Features { reading: self.0, column: None }.visit_seq(list).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = 0;
        while let Some(member) = map.next_key_seed(MemberName(&mut *self.0))? {
            match member {
                InstanceMember::Features if found == 0 => {
                    let features = Features { reading: &mut *self.0, column: Some("features") };
                    found += usize::from(map.next_value_seed(features)?);
                }
                InstanceMember::Data if found == 0 => found += map.next_value_seed(Data(&mut *self.0))?,
                InstanceMember::Features | InstanceMember::Data => {
                    found += usize::from(!map.next_value_seed(AnyShape)?.is_scalar());
                }
                InstanceMember::Column(column) if found == 0 => {
                    map.next_value_seed(Value { reading: &mut *self.0, column, purpose: Purpose::Named })?;
                }
                InstanceMember::Column(_) | InstanceMember::Other => _ = map.next_value::<IgnoredAny>()?,
            }
            if found > 1 {
                return Err(self.0.fail(Error::bad_payload("expected features once in an instance, found them twice")));
            }
        }
        match found {
            0 => self.0.end_named(),
            _ => Ok(()),
        }
    }
}

/// The value of `data`; gives how often `features` was found in it. A value that is not an object belongs to a column.
struct Data<'a, 'r, R>(&'a mut Reading<'r, R>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DataMember {
    Features,
    #[serde(other)]
    Other,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Data<'_, '_, R> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, 'r, R> Data<'a, 'r, R> {
    fn value<'de, E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, usize), E>
    where
        R: Rows<'de>,
    {
        value_of_column(self.0, Some("data")).map(|value| (value, 0))
    }
}

/// The visitor for a value under the name of a part of an instance: a column may be called so.
fn value_of_column<'a, 'r, 'de, R: Rows<'de>, E: serde::de::Error>(
    reading: &'a mut Reading<'r, R>,
    name: Option<&str>,
) -> Result<Value<'a, 'r, R>, E> {
    let column = name.map(|name| reading.column(name)).transpose()?.flatten();
    Ok(match column {
        Some(column) => Value { reading, column, purpose: Purpose::Named },
        None => Value { reading, column: 0, purpose: Purpose::Ignored },
    })
}

impl<'de, R: Rows<'de>> Visitor<'de> for Data<'_, '_, R> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"features\": {\"values\": [...]}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut found = 0;
        while let Some(member) = map.next_key()? {
            match member {
                DataMember::Features => {
                    found += usize::from(match found {
                        0 => map.next_value_seed(Features { reading: &mut *self.0, column: None })?,
                        _ => !map.next_value_seed(AnyShape)?.is_scalar(),
                    });
                }
                DataMember::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }

    visit_scalars! { usize }
}

/// The value of `features`: a list, or an object of `values`, `keys` and `shape`. Closes the row; gives whether it has.
struct Features<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    /// The column that may be called so, whose value is neither.
    column: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum TensorMember {
    Values,
    Keys,
    Shape,
    #[serde(other)]
    Other,
}

impl<'a, 'r, R> Features<'a, 'r, R> {
    fn value<'de, E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, bool), E>
    where
        R: Rows<'de>,
    {
        value_of_column(self.reading, self.column).map(|value| (value, false))
    }
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Features<'_, '_, R> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Features<'_, '_, R> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("features: a list of values, or an object with \"values\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<bool, A::Error> {
        let reading = self.reading;
        Values(&mut *reading).visit_seq(list)?;
        reading.rows.end_dense().map(|()| true).map_err(|error| reading.fail(error))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let reading = self.reading;
        let (mut values, mut keys, mut shape) = (None, None, None);
        while let Some(member) = map.next_key()? {
            let twice = match member {
                TensorMember::Values => values.replace(map.next_value_seed(Values(&mut *reading))?).is_some(),
                TensorMember::Keys => keys.replace(map.next_value_seed(Keys(&mut *reading))?).is_some(),
                TensorMember::Shape => shape.replace(map.next_value::<[u64; 1]>()?).is_some(),
                TensorMember::Other => map.next_value::<IgnoredAny>().map(|_| false)?,
            };
            if twice {
                return Err(A::Error::custom("expected values, keys and shape once each, found one of them twice"));
            }
        }
        let shape = shape.map(|[width]| width);
        let values = match values {
            Some(values) => values,
            // scipy's all-zero row has a shape and nothing else.
            None if shape.is_some() => 0,
            None => return Err(A::Error::missing_field("values")),
        };
        // As in a protobuf record, no keys and some values are a dense row.
        let sparse = if values == 0 { keys.is_some() || shape.is_some() } else { keys.is_some_and(|keys| keys > 0) };
        let end = match shape {
            _ if sparse => reading.rows.end_sparse(shape),
            Some(shape) if shape != values as u64 => {
                Err(Error::bad_payload(format!("expected as many values as the shape [{shape}] says, found {values}")))
            }
            _ => reading.rows.end_dense(),
        };
        end.map(|()| true).map_err(|error| reading.fail(error))
    }

    visit_scalars! { bool }
}

/// A list of values; gives their number.
struct Values<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Values<'_, '_, R> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Values<'_, '_, R> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while list.next_element_seed(Value { reading: &mut *self.0, column: count, purpose: Purpose::Next })?.is_some()
        {
            count += 1;
        }
        Ok(count)
    }
}

/// One value, in a column counted from 0.
pub(super) struct Value<'a, 'r, R> {
    pub(super) reading: &'a mut Reading<'r, R>,
    pub(super) column: usize,
    pub(super) purpose: Purpose,
}

/// Where a value goes.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// To the end of the open row.
    Next,
    /// To the column of its name.
    Named,
    /// To this row of the column of its name, which comes as a whole.
    OfColumn(usize),
    /// Nowhere: its name is not a column.
    Ignored,
}

impl<R> Value<'_, '_, R> {
    fn take<'de, E: serde::de::Error>(self, value: Scalar<'de>) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        let taken = match self.purpose {
            Purpose::Next => self.reading.rows.value(value),
            Purpose::Named => self.reading.rows.named_value(self.column, value),
            Purpose::Ignored => Ok(()),
            Purpose::OfColumn(row) => self.reading.rows.column_value(self.column, row, value),
        };
        taken.map_err(|error| self.fail(error))
    }

    fn fail<E: serde::de::Error>(self, error: Error) -> E {
        let place = Place { row: self.reading.row, column: Some(self.column + 1), ..Place::default() };
        self.reading.fail(error.at(place))
    }
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Value<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Value<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(Scalar::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.take(Scalar::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.take(Scalar::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.take(i64::try_from(value).map_or(Scalar::UInt(value), Scalar::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.take(Scalar::Float(value))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<(), E> {
        let word = self.reading.words.and_then(|words| words.float(text));
        self.take(word.map_or(Scalar::Text(Cow::Borrowed(text)), Scalar::Float))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.take(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _list: A) -> Result<(), A::Error> {
        Err(self.fail(Error::bad_payload("expected a value, found a list")))
    }

    fn visit_map<A: MapAccess<'de>>(self, _map: A) -> Result<(), A::Error> {
        Err(self.fail(Error::bad_payload("expected a value, found an object")))
    }
}

/// A list of column numbers; gives how many.
struct Keys<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Keys<'_, '_, R> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Keys<'_, '_, R> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(key) = list.next_element::<u64>()? {
            self.0.rows.key(key).map_err(|error| self.0.fail(error))?;
            count += 1;
        }
        Ok(count)
    }
}

//! One instance of a JSON or JSON Lines body, read straight into the rows that are being built.
//!
//! The forms (docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html): `{"features": [1.5, 16.0]}`,
//! `{"data": {"features": {"values": [1.5, 16.0]}}}` and, sparse,
//! `{"data": {"features": {"keys": [26, 182], "shape": [2000], "values": [1, 4]}}}`. The page calls the list a shorthand for
//! `features.values`, so both kinds of `features` are read at both places. Members beside them are not looked at.
//!
//! Two forms are our own, and what callers of scikit-learn send: a bare list `[1.5, 16.0]`, and, where columns have names, an
//! object `{"width": 1.5, "height": 16.0}` of a value for each. `features` and `data` are never the names of columns.

use super::words::Words;
use crate::error::{Error, Place, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value that is no list and no object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::payload) enum Scalar<'de> {
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
            Scalar::Text(text) => f.write_str(&crate::payload::shown(text.as_bytes())),
        }
    }
}

/// What instances are read into.
pub(in crate::payload) trait Rows<'de> {
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
    /// When there is no memory to look it up.
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
}

/// The state of reading a body. Errors of ours travel beside serde's, which can only carry text.
pub(in crate::payload) struct Reading<'r, R> {
    rows: &'r mut R,
    /// The words that some strings stand for.
    words: Option<&'r Words<'r>>,
    /// The instance that is being read, counted from 1.
    row: Option<usize>,
    failure: Option<Error>,
}

impl<'r, R> Reading<'r, R> {
    pub(in crate::payload) fn new(rows: &'r mut R, words: Option<&'r Words<'r>>) -> Reading<'r, R> {
        Reading { rows, words, row: None, failure: None }
    }

    /// The seed that reads the next instance.
    pub(in crate::payload) fn next_instance(&mut self) -> Instance<'_, 'r, R> {
        self.row = Some(self.row.unwrap_or(0) + 1);
        Instance(self)
    }

    /// What follows belongs to no instance.
    pub(super) fn leave_instances(&mut self) {
        self.row = None;
    }

    /// Closes the open row, whose values came without a list around them.
    pub(super) fn end_bare_row<'de, E: serde::de::Error>(&mut self) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        self.rows.end_dense().map_err(|error| self.fail(error))
    }

    /// Keeps an error of ours and returns what makes serde stop.
    fn fail<E: serde::de::Error>(&mut self, error: Error) -> E {
        self.failure = Some(error);
        E::custom("")
    }

    /// The error that stopped the reading of `text`, which starts at byte `offset` of the body.
    pub(in crate::payload) fn error(&mut self, error: &serde_json::Error, text: &[u8], offset: usize) -> Error {
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

/// serde_json counts lines and columns from 1; line 0 is no place.
fn byte_of(text: &[u8], error: &serde_json::Error) -> Option<usize> {
    let earlier_lines = error.line().checked_sub(1)?;
    let line = match earlier_lines.checked_sub(1) {
        None => 0,
        Some(newline) => memchr::memchr_iter(b'\n', text).nth(newline)? + 1,
    };
    Some(line + error.column().saturating_sub(1))
}

/// Reads one instance into one row.
pub(in crate::payload) struct Instance<'a, 'r, R>(&'a mut Reading<'r, R>);

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
            name => match self.0.rows.column(name) {
                Ok(column) => column.map_or(InstanceMember::Other, InstanceMember::Column),
                Err(error) => return Err(self.0.fail(error)),
            },
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
        Features(self.0).visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = 0;
        while let Some(member) = map.next_key_seed(MemberName(&mut *self.0))? {
            match member {
                InstanceMember::Features if found == 0 => {
                    map.next_value_seed(Features(&mut *self.0))?;
                    found += 1;
                }
                InstanceMember::Data if found == 0 => found += map.next_value_seed(Data(&mut *self.0))?,
                InstanceMember::Features | InstanceMember::Data => found += 1,
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
            0 => self.0.rows.end_named().map_err(|error| self.0.fail(error)),
            _ => Ok(()),
        }
    }
}

/// The value of `data`; gives how often `features` was found in it.
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
        deserializer.deserialize_map(self)
    }
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
                    if found == 0 {
                        map.next_value_seed(Features(&mut *self.0))?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    found += 1;
                }
                DataMember::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }
}

/// The value of `features`: a list, or an object of `values`, `keys` and `shape`. Closes the row.
struct Features<'a, 'r, R>(&'a mut Reading<'r, R>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum TensorMember {
    Values,
    Keys,
    Shape,
    #[serde(other)]
    Other,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Features<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Features<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("features: a list of values, or an object with \"values\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let reading = self.0;
        Values(&mut *reading).visit_seq(list)?;
        reading.rows.end_dense().map_err(|error| reading.fail(error))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
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
        end.map_err(|error| reading.fail(error))
    }
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
}

impl<R> Value<'_, '_, R> {
    fn take<'de, E: serde::de::Error>(self, value: Scalar<'de>) -> Result<(), E>
    where
        R: Rows<'de>,
    {
        let taken = match self.purpose {
            Purpose::Next => self.reading.rows.value(value),
            Purpose::Named => self.reading.rows.named_value(self.column, value),
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

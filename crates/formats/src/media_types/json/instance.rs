//! One instance of a JSON or JSON Lines body, read straight into the rows that are being built.
//!
//! The forms (docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html): `{"features": [1.5, 16.0]}`,
//! `{"data": {"features": {"values": [1.5, 16.0]}}}` and, sparse,
//! `{"data": {"features": {"keys": [26, 182], "shape": [2000], "values": [1, 4]}}}`. The page calls the list a
//! shorthand for `features.values`, so both kinds of `features` are read at both places. Other members are ignored.
//!
//! Two forms are not SageMaker's, but what callers of scikit-learn models send: a bare list `[1.5, 16.0]` and, if
//! columns have names, an object with a value for each, `{"width": 1.5, "height": 16.0}`. `features` and `data` are
//! names of columns too if their value is neither a list nor an object.

use super::reading::{Reading, Rows, Scalar, refuse_scalars};
use super::shape::AnyShape;
use crate::error::{Error, Place};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Forwards the visit of each kind of scalar to the visitor that `self.value()` returns, and converts its result.
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

impl<'a, 'r, R> Instance<'a, 'r, R> {
    /// The seed that reads the next instance.
    pub(super) fn next(reading: &'a mut Reading<'r, R>) -> Instance<'a, 'r, R> {
        reading.go_to_next_row();
        Instance(reading)
    }
}

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

    refuse_scalars! { 0 }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        FeaturesMember { reading: self.0, column: None }.visit_seq(list).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = 0;
        while let Some(member) = map.next_key_seed(MemberName(&mut *self.0))? {
            match member {
                InstanceMember::Features if found == 0 => {
                    let features = FeaturesMember { reading: &mut *self.0, column: Some("features") };
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

/// Reads the value of `data` and returns how often it contains `features`. Another value than an object is a column's.
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

/// The visitor for a value under the name of a part of an instance, which may also be the name of a column.
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
                        0 => map.next_value_seed(FeaturesMember { reading: &mut *self.0, column: None })?,
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

/// The value of `features`: a list, or an object of `values`, `keys` and `shape`. Returns whether it closed a row.
struct FeaturesMember<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    /// A possible column of that name, whose value is a scalar.
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

impl<'a, 'r, R> FeaturesMember<'a, 'r, R> {
    fn value<'de, E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, bool), E>
    where
        R: Rows<'de>,
    {
        value_of_column(self.reading, self.column).map(|value| (value, false))
    }
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for FeaturesMember<'_, '_, R> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for FeaturesMember<'_, '_, R> {
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
            // An all-zero row of scipy has only a shape.
            None if shape.is_some() => 0,
            None => return Err(A::Error::missing_field("values")),
        };
        // As in a protobuf record, values without keys are a dense row.
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

/// Reads a list of values and returns their number.
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
    /// To this row of the named column, which comes as a whole.
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

/// Reads a list of column numbers and returns their number.
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

/// The list of instances.
pub(super) struct Instances<'a, 'r, R>(pub(super) &'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Instances<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Instances<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of instances")
    }

    refuse_scalars! { 0, map }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Instance::next(self.0))?.is_some() {}
        self.0.leave_instances();
        Ok(())
    }
}

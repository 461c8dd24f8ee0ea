//! Single values: null, numbers, text.

use crate::parameters::values::ToPython;
use byoc_formats::pickle::Python;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// `null`: a parameter that must keep its default.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[serde(into = "()")]
pub(crate) struct Null;

impl From<Null> for () {
    fn from(_: Null) {}
}

impl<'de> Deserialize<'de> for Null {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Null, D::Error> {
        struct Only;
        impl Visitor<'_> for Only {
            type Value = Null;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, the only value that is supported here")
            }
            fn visit_unit<E: Error>(self) -> Result<Null, E> {
                Ok(Null)
            }
        }
        deserializer.deserialize_any(Only)
    }
}

impl ToPython for Null {
    fn to_python(&self) -> Option<Python> {
        Some(Python::None)
    }
}

/// An integer of at least `LEAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AtLeast<const LEAST: i64>(pub(crate) i64);

impl<const LEAST: i64> AtLeast<LEAST> {
    pub(crate) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de, const LEAST: i64> Deserialize<'de> for AtLeast<LEAST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i64::deserialize(deserializer)?;
        if value < LEAST {
            let expected = format!("an integer of at least {LEAST}");
            return Err(D::Error::invalid_value(Unexpected::Signed(value), &expected.as_str()));
        }
        Ok(AtLeast(value))
    }
}

impl<const LEAST: i64> ToPython for AtLeast<LEAST> {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Int(self.0))
    }
}

/// A plain value: a category, a constant.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Large(u64),
    /// NaN is a missing value.
    Float(f64),
    Text(String),
}

impl PartialEq for Scalar {
    /// As Python compares, except that NaN equals NaN.
    fn eq(&self, other: &Scalar) -> bool {
        match (self, other) {
            (Scalar::Text(one), Scalar::Text(other)) => one == other,
            (Scalar::Large(one), Scalar::Large(other)) => one == other,
            (Scalar::Text(_), _) | (_, Scalar::Text(_)) => false,
            (one, other) => {
                let (one, other) = (one.number(), other.number());
                one == other || one.is_nan() && other.is_nan()
            }
        }
    }
}

impl Scalar {
    pub(crate) fn is_nan(&self) -> bool {
        matches!(self, Scalar::Float(value) if value.is_nan())
    }

    /// Its number; NaN for text.
    pub(crate) fn number(&self) -> f64 {
        match self {
            Scalar::Bool(value) => f64::from(u8::from(*value)),
            Scalar::Int(value) => *value as f64,
            Scalar::Large(value) => *value as f64,
            Scalar::Float(value) => *value,
            Scalar::Text(_) => f64::NAN,
        }
    }

    /// As a message shows it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Scalar::Bool(value) => if *value { "True" } else { "False" }.into(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Large(value) => value.to_string(),
            Scalar::Float(value) => Float(*value).to_string(),
            Scalar::Text(text) => format!("{text:?}"),
        }
    }

    pub(crate) fn python(&self) -> Python {
        match self {
            Scalar::Bool(value) => Python::Bool(*value),
            Scalar::Int(value) => Python::Int(*value),
            // Never written as a single value: an array of them is an array of uint64.
            Scalar::Large(value) => Python::Float(*value as f64),
            Scalar::Float(value) => Python::Float(*value),
            Scalar::Text(text) => Python::Text(text.clone()),
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Bool(value) => serializer.serialize_bool(*value),
            Scalar::Int(value) => serializer.serialize_i64(*value),
            Scalar::Large(value) => serializer.serialize_u64(*value),
            Scalar::Float(value) => Float(*value).serialize(serializer),
            Scalar::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        struct Plain;
        impl Visitor<'_> for Plain {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, true, false, or \"NaN\" for a missing value")
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Int(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(i64::try_from(value).map_or(Scalar::Large(value), Scalar::Int))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(if text == NAN { Scalar::Float(f64::NAN) } else { Scalar::Text(text.to_owned()) })
            }
        }
        deserializer.deserialize_any(Plain)
    }
}

impl ToPython for Scalar {
    fn to_python(&self) -> Option<Python> {
        Some(self.python())
    }
}

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const MINUS_INFINITY: &str = "-Infinity";

/// A float.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float(pub(crate) f64);

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.0 == other.0 || self.0.is_nan() && other.0.is_nan()
    }
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => f.write_str(word),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Float {
    fn word(self) -> Option<&'static str> {
        match self.0 {
            value if value.is_nan() => Some(NAN),
            f64::INFINITY => Some(INFINITY),
            f64::NEG_INFINITY => Some(MINUS_INFINITY),
            _ => None,
        }
    }
}

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.word() {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Float, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Float;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Float, E> {
                Ok(Float(value as f64))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Float, E> {
                Ok(Float(value as f64))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Float, E> {
                Ok(Float(value))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Float, E> {
                match text {
                    NAN => Ok(Float(f64::NAN)),
                    INFINITY => Ok(Float(f64::INFINITY)),
                    MINUS_INFINITY => Ok(Float(f64::NEG_INFINITY)),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl ToPython for Float {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Float(self.0))
    }
}

/// `min_frequency`: a number of samples, or a fraction of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Frequency {
    Count(i64),
    Share(f64),
}

impl Serialize for Frequency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Frequency::Count(count) => serializer.serialize_i64(*count),
            Frequency::Share(share) => serializer.serialize_f64(*share),
        }
    }
}

impl<'de> Deserialize<'de> for Frequency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Frequency, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Frequency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, an integer of at least 1, or a share between 0 and 1")
            }
            fn visit_i64<E: Error>(self, count: i64) -> Result<Frequency, E> {
                let is_allowed = count >= 1;
                let refused = || E::invalid_value(Unexpected::Signed(count), &self);
                is_allowed.then_some(Frequency::Count(count)).ok_or_else(refused)
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Frequency, E> {
                self.visit_i64(i64::try_from(count).unwrap_or(i64::MAX))
            }
            fn visit_f64<E: Error>(self, share: f64) -> Result<Frequency, E> {
                let is_allowed = 0.0 < share && share < 1.0;
                let refused = || E::invalid_value(Unexpected::Float(share), &self);
                is_allowed.then_some(Frequency::Share(share)).ok_or_else(refused)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl ToPython for Frequency {
    fn to_python(&self) -> Option<Python> {
        Some(match self {
            Frequency::Count(count) => Python::Int(*count),
            Frequency::Share(share) => Python::Float(*share),
        })
    }
}

/// An integer, or NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Code {
    Int(i64),
    Nan,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Code::Int(value) => serializer.serialize_i64(*value),
            Code::Nan => serializer.serialize_str(NAN),
        }
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Code;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or \"NaN\"")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Code, E> {
                Ok(Code::Int(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Code, E> {
                i64::try_from(value).map(Code::Int).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
                if text == NAN { Ok(Code::Nan) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl ToPython for Code {
    fn to_python(&self) -> Option<Python> {
        Some(match self {
            Code::Int(value) => Python::Int(*value),
            Code::Nan => Python::Float(f64::NAN),
        })
    }
}

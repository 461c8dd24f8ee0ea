//! The values that parameters and attributes have: as JSON writes them, and as Python holds them.
//!
//! JSON has no NaN and no infinity; they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`. No cell of a CSV is the
//! text `NaN`: pandas reads it as a missing value.

use crate::artifact::pickle::{ItemType, Items, Python};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What stands for a value in Python; `None` where scikit-learn's object has no such attribute.
pub(in crate::preprocessor) trait ToPython {
    fn to_python(&self) -> Option<Python>;
}

impl ToPython for bool {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Bool(*self))
    }
}

impl ToPython for i64 {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Int(*self))
    }
}

impl ToPython for usize {
    fn to_python(&self) -> Option<Python> {
        i64::try_from(*self).ok().map(Python::Int)
    }
}

impl ToPython for f64 {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Float(*self))
    }
}

impl<T: ToPython> ToPython for Option<T> {
    fn to_python(&self) -> Option<Python> {
        self.as_ref().map_or(Some(Python::None), ToPython::to_python)
    }
}

/// `null`: a parameter that has to stay what it is by default.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[serde(into = "()")]
pub(in crate::preprocessor) struct Null;

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
pub(in crate::preprocessor) struct AtLeast<const LEAST: i64>(pub(in crate::preprocessor) i64);

impl<const LEAST: i64> AtLeast<LEAST> {
    pub(in crate::preprocessor) fn count(self) -> usize {
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
pub(in crate::preprocessor) enum Scalar {
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Large(u64),
    /// NaN is a missing value.
    Float(f64),
    Text(String),
}

impl PartialEq for Scalar {
    /// As Python compares, but that NaN is NaN.
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
    pub(in crate::preprocessor) fn is_nan(&self) -> bool {
        matches!(self, Scalar::Float(value) if value.is_nan())
    }

    /// Its number; NaN for text.
    pub(in crate::preprocessor) fn number(&self) -> f64 {
        match self {
            Scalar::Bool(value) => f64::from(u8::from(*value)),
            Scalar::Int(value) => *value as f64,
            Scalar::Large(value) => *value as f64,
            Scalar::Float(value) => *value,
            Scalar::Text(_) => f64::NAN,
        }
    }

    /// As a message shows it.
    pub(in crate::preprocessor) fn describe(&self) -> String {
        match self {
            Scalar::Bool(value) => if *value { "True" } else { "False" }.into(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Large(value) => value.to_string(),
            Scalar::Float(value) => Float(*value).to_string(),
            Scalar::Text(text) => format!("{text:?}"),
        }
    }

    pub(in crate::preprocessor) fn python(&self) -> Python {
        match self {
            Scalar::Bool(value) => Python::Bool(*value),
            Scalar::Int(value) => Python::Int(*value),
            // Nothing that is written holds one on its own: an array of them is an array of uint64.
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
pub(in crate::preprocessor) struct Float(pub(in crate::preprocessor) f64);

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

/// Two numbers: a tuple in Python.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::preprocessor) struct Range(pub(in crate::preprocessor) f64, pub(in crate::preprocessor) f64);

impl ToPython for Range {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Tuple(vec![Python::Float(self.0), Python::Float(self.1)]))
    }
}

/// An array of `float64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::preprocessor) struct Floats(Vec<Float>);

impl Floats {
    pub(in crate::preprocessor) fn iter(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.0.iter().map(|float| float.0)
    }
}

impl FromIterator<f64> for Floats {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Floats {
        Floats(values.into_iter().map(Float).collect())
    }
}

impl ToPython for Floats {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(Items::Float64(self.iter().collect())))
    }
}

/// An array of `float64` with a row for each quantile: rows in JSON, and in Python.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::preprocessor) struct Matrix(pub(in crate::preprocessor) Vec<Floats>);

impl ToPython for Matrix {
    fn to_python(&self) -> Option<Python> {
        let columns = self.0.first().map_or(0, |row| row.0.len());
        let items = self.0.iter().flat_map(Floats::iter).collect();
        Some(Python::Array(Items::Float64(items), vec![self.0.len(), columns]))
    }
}

/// Arrays of `float64` of different lengths: an array of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::preprocessor) struct Ragged(pub(in crate::preprocessor) Vec<Floats>);

impl ToPython for Ragged {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(Items::Object(self.0.iter().filter_map(ToPython::to_python).collect())))
    }
}

/// An array of `int64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::preprocessor) struct Integers(pub(in crate::preprocessor) Vec<i64>);

impl ToPython for Integers {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(Items::Int64(self.0.clone())))
    }
}

/// How many samples were seen: of each feature where some were missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a count, or a list with one for each feature")]
pub(in crate::preprocessor) enum Samples {
    All(i64),
    Each(Vec<i64>),
}

impl Samples {
    /// One number where all are the same, as scikit-learn keeps them.
    pub(in crate::preprocessor) fn of(counts: Vec<i64>) -> Samples {
        match counts.split_first() {
            Some((first, rest)) if rest.iter().all(|count| count == first) => Samples::All(*first),
            _ => Samples::Each(counts),
        }
    }
}

impl ToPython for Samples {
    fn to_python(&self) -> Option<Python> {
        match self {
            Samples::All(count) => count.to_python(),
            Samples::Each(counts) => Some(Python::array(Items::Int64(counts.clone()))),
        }
    }
}

/// The categories of one feature: an array whose type is that of the column.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::preprocessor) enum Categories {
    Bool(Vec<bool>),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float64(Vec<f64>),
    Object(Vec<Scalar>),
}

impl Categories {
    pub(in crate::preprocessor) fn len(&self) -> usize {
        match self {
            Categories::Bool(values) => values.len(),
            Categories::Int64(values) => values.len(),
            Categories::UInt64(values) => values.len(),
            Categories::Float64(values) => values.len(),
            Categories::Object(values) => values.len(),
        }
    }

    pub(in crate::preprocessor) fn scalars(&self) -> Vec<Scalar> {
        match self {
            Categories::Bool(values) => values.iter().map(|value| Scalar::Bool(*value)).collect(),
            Categories::Int64(values) => values.iter().map(|value| Scalar::Int(*value)).collect(),
            Categories::UInt64(values) => {
                values.iter().map(|value| i64::try_from(*value).map_or(Scalar::Large(*value), Scalar::Int)).collect()
            }
            Categories::Float64(values) => values.iter().map(|value| Scalar::Float(*value)).collect(),
            Categories::Object(values) => values.clone(),
        }
    }

    /// Whether the last is a missing value, which stands nowhere else.
    pub(in crate::preprocessor) fn ends_missing(&self) -> bool {
        match self {
            Categories::Float64(values) => values.last().is_some_and(|value| value.is_nan()),
            Categories::Object(values) => values.last().is_some_and(Scalar::is_nan),
            _ => false,
        }
    }

    /// The type that values of JSON come to.
    fn of(values: Vec<Scalar>) -> Categories {
        let all = |test: fn(&Scalar) -> bool| values.iter().all(test);
        if all(|value| matches!(value, Scalar::Bool(_))) {
            return Categories::Bool(values.iter().map(|value| value.number() != 0.0).collect());
        }
        if all(|value| matches!(value, Scalar::Int(_))) {
            let integer = |value: &Scalar| if let Scalar::Int(value) = value { Some(*value) } else { None };
            return Categories::Int64(values.iter().filter_map(integer).collect());
        }
        if all(|value| matches!(value, Scalar::Int(0..) | Scalar::Large(_))) {
            let integer = |value: &Scalar| match value {
                Scalar::Int(value) => u64::try_from(*value).ok(),
                Scalar::Large(value) => Some(*value),
                _ => None,
            };
            return Categories::UInt64(values.iter().filter_map(integer).collect());
        }
        if all(|value| matches!(value, Scalar::Int(_) | Scalar::Large(_) | Scalar::Float(_))) {
            return Categories::Float64(values.iter().map(Scalar::number).collect());
        }
        Categories::Object(values)
    }
}

impl Serialize for Categories {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.scalars())
    }
}

impl<'de> Deserialize<'de> for Categories {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Categories, D::Error> {
        Vec::deserialize(deserializer).map(Categories::of)
    }
}

impl ToPython for Categories {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(match self {
            Categories::Bool(values) => Items::Bool(values.clone()),
            Categories::Int64(values) => Items::Int64(values.clone()),
            Categories::UInt64(values) => Items::UInt64(values.clone()),
            Categories::Float64(values) => Items::Float64(values.clone()),
            Categories::Object(values) => Items::Object(values.iter().map(Scalar::python).collect()),
        }))
    }
}

impl<T: ToPython> ToPython for Vec<T> {
    fn to_python(&self) -> Option<Python> {
        self.iter().map(ToPython::to_python).collect::<Option<_>>().map(Python::List)
    }
}

/// Text for the default behaviour, or values of one's own.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::preprocessor) enum WordOr<W, T> {
    Word(W),
    Given(T),
}

/// What a list that is no word is.
pub(in crate::preprocessor) trait Described {
    const DESCRIPTION: &'static str;
}

impl<W: Serialize, T: Serialize> Serialize for WordOr<W, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            WordOr::Word(word) => word.serialize(serializer),
            WordOr::Given(given) => given.serialize(serializer),
        }
    }
}

impl<'de, W: Deserialize<'de>, T: Deserialize<'de> + Described> Deserialize<'de> for WordOr<W, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<W, T>(std::marker::PhantomData<(W, T)>);
        impl<'de, W: Deserialize<'de>, T: Deserialize<'de> + Described> Visitor<'de> for Either<W, T> {
            type Value = WordOr<W, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::DESCRIPTION)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                W::deserialize(serde::de::value::StrDeserializer::new(text)).map(WordOr::Word)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                T::deserialize(serde::de::value::SeqAccessDeserializer::new(items)).map(WordOr::Given)
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl<W: ToPython, T: ToPython> ToPython for WordOr<W, T> {
    fn to_python(&self) -> Option<Python> {
        match self {
            WordOr::Word(word) => word.to_python(),
            WordOr::Given(given) => given.to_python(),
        }
    }
}

impl Described for Vec<Categories> {
    const DESCRIPTION: &'static str = "\"auto\", or a list with the categories of each feature";
}

impl Described for Vec<Scalar> {
    const DESCRIPTION: &'static str = "null, \"first\", \"if_binary\", or a list with one category for each feature";
}

/// `min_frequency`: so many samples, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::preprocessor) enum Frequency {
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
pub(in crate::preprocessor) enum Code {
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

/// `n_bins`: of all features, or of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an integer of at least 2, or a list with one for each feature")]
pub(in crate::preprocessor) enum BinCounts {
    All(AtLeast<2>),
    Each(Vec<AtLeast<2>>),
}

impl ToPython for BinCounts {
    fn to_python(&self) -> Option<Python> {
        match self {
            BinCounts::All(count) => count.to_python(),
            BinCounts::Each(counts) => Some(Python::array(Items::Int64(counts.iter().map(|count| count.0).collect()))),
        }
    }
}

/// `degree`: the highest, or the lowest and the highest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an integer of at least 0, or a list of the lowest and the highest degree")]
pub(in crate::preprocessor) enum Degrees {
    UpTo(AtLeast<0>),
    Between(AtLeast<0>, AtLeast<0>),
}

impl ToPython for Degrees {
    fn to_python(&self) -> Option<Python> {
        Some(match self {
            Degrees::UpTo(highest) => Python::Int(highest.0),
            Degrees::Between(lowest, highest) => Python::Tuple(vec![Python::Int(lowest.0), Python::Int(highest.0)]),
        })
    }
}

/// numpy's type of an answer, or of what an imputer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::preprocessor) enum NumpyType {
    Float64,
    Float32,
    Int64,
    UInt64,
    Bool,
    Object,
}

impl NumpyType {
    pub(in crate::preprocessor) const fn item_type(self) -> ItemType {
        match self {
            NumpyType::Float64 => ItemType::Float64,
            NumpyType::Float32 => ItemType::Float32,
            NumpyType::Int64 => ItemType::Int64,
            NumpyType::UInt64 => ItemType::UInt64,
            NumpyType::Bool => ItemType::Bool,
            NumpyType::Object => ItemType::Object,
        }
    }

    pub(in crate::preprocessor) const fn is_float(self) -> bool {
        matches!(self, NumpyType::Float64 | NumpyType::Float32)
    }
}

impl ToPython for NumpyType {
    fn to_python(&self) -> Option<Python> {
        Some(Python::DType(self.item_type()))
    }
}

/// A parameter `dtype`: one of numpy's classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::preprocessor) enum NumpyClass {
    Float64,
    Float32,
    Int64,
}

impl NumpyClass {
    pub(in crate::preprocessor) const fn is_float(self) -> bool {
        matches!(self, NumpyClass::Float64 | NumpyClass::Float32)
    }
}

impl ToPython for NumpyClass {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Symbol(
            "numpy",
            match self {
                NumpyClass::Float64 => "float64",
                NumpyClass::Float32 => "float32",
                NumpyClass::Int64 => "int64",
            },
        ))
    }
}

/// Names: an array of objects.
pub(in crate::preprocessor) fn names_array(names: &[String]) -> Python {
    Python::array(Items::Object(names.iter().map(|name| Python::Text(name.clone())).collect()))
}

/// An enumeration of words that scikit-learn knows.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(in crate::preprocessor) enum $name { $(#[serde(rename = $word)] $variant),* }

        impl crate::preprocessor::document::values::ToPython for $name {
            fn to_python(&self) -> Option<crate::artifact::pickle::Python> {
                let word = match self { $($name::$variant => $word),* };
                Some(crate::artifact::pickle::Python::Text(word.to_owned()))
            }
        }
    )* };
}

pub(super) use words;

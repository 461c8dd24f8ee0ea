//! Values in lists, which are arrays, tuples or lists in Python.

use crate::parameters::values::ToPython;
use crate::parameters::values::scalars::{AtLeast, Float, Scalar};
use byoc_formats::pickle::{Items, Python};
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Two numbers: a tuple in Python.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Range(pub(crate) f64, pub(crate) f64);

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Range, D::Error> {
        struct Two;
        impl<'de> Visitor<'de> for Two {
            type Value = Range;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of two numbers, the lower and the upper")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Range, A::Error> {
                let lower = items.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let upper = items.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                match items.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::invalid_length(3, &self)),
                    None => Ok(Range(lower, upper)),
                }
            }
        }
        deserializer.deserialize_any(Two)
    }
}

impl ToPython for Range {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Tuple(vec![Python::Float(self.0), Python::Float(self.1)]))
    }
}

/// An array of `float64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Floats(Vec<Float>);

impl Floats {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
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
pub(crate) struct Matrix(pub(crate) Vec<Floats>);

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
pub(crate) struct Ragged(pub(crate) Vec<Floats>);

impl ToPython for Ragged {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(Items::Object(self.0.iter().filter_map(ToPython::to_python).collect())))
    }
}

/// An array of `int64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Integers(pub(crate) Vec<i64>);

impl ToPython for Integers {
    fn to_python(&self) -> Option<Python> {
        Some(Python::array(Items::Int64(self.0.clone())))
    }
}

/// How many samples were seen: for each feature if some were missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a count, or a list with one for each feature")]
pub(crate) enum Samples {
    All(i64),
    Each(Vec<i64>),
}

impl Samples {
    /// One number if all are the same, as in scikit-learn.
    pub(crate) fn of(counts: Vec<i64>) -> Samples {
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
pub(crate) enum Categories {
    Bool(Vec<bool>),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float64(Vec<f64>),
    Object(Vec<Scalar>),
}

impl Categories {
    pub(crate) fn len(&self) -> usize {
        match self {
            Categories::Bool(values) => values.len(),
            Categories::Int64(values) => values.len(),
            Categories::UInt64(values) => values.len(),
            Categories::Float64(values) => values.len(),
            Categories::Object(values) => values.len(),
        }
    }

    pub(crate) fn scalars(&self) -> Vec<Scalar> {
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

    /// Whether the last is a missing value, which is allowed only there.
    pub(crate) fn ends_missing(&self) -> bool {
        match self {
            Categories::Float64(values) => values.last().is_some_and(|value| value.is_nan()),
            Categories::Object(values) => values.last().is_some_and(Scalar::is_nan),
            _ => false,
        }
    }

    /// The common type of JSON values.
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

/// `n_bins`: for all features, or for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an integer of at least 2, or a list with one for each feature")]
pub(crate) enum BinCounts {
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
pub(crate) enum Degrees {
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

/// Names: an array of objects.
pub(crate) fn names_array(names: &[String]) -> Python {
    Python::array(Items::Object(names.iter().map(|name| Python::Text(name.clone())).collect()))
}

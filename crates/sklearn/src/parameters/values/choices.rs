//! Values that are one of a few words, or a word or something else.

use crate::parameters::values::ToPython;
use crate::parameters::values::lists::Categories;
use crate::parameters::values::scalars::Scalar;
use byoc_formats::pickle::{ItemType, Python};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Text for the default behaviour, or values of the user.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WordOr<W, T> {
    Word(W),
    Given(T),
}

/// The other form of a value that may be a word.
pub(crate) trait Described {
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
                let word = W::deserialize(serde::de::value::StrDeserializer::<E>::new(text));
                word.map(WordOr::Word).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
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

/// The numpy type of an answer, or of the input of an imputer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NumpyType {
    Float64,
    Float32,
    Int64,
    UInt64,
    Bool,
    Object,
}

byoc_formats::read_as_word! {
    NumpyType {
        Float64 = "float64",
        Float32 = "float32",
        Int64 = "int64",
        UInt64 = "uint64",
        Bool = "bool",
        Object = "object",
    }
}

impl NumpyType {
    pub(crate) const fn item_type(self) -> ItemType {
        match self {
            NumpyType::Float64 => ItemType::Float64,
            NumpyType::Float32 => ItemType::Float32,
            NumpyType::Int64 => ItemType::Int64,
            NumpyType::UInt64 => ItemType::UInt64,
            NumpyType::Bool => ItemType::Bool,
            NumpyType::Object => ItemType::Object,
        }
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, NumpyType::Float64 | NumpyType::Float32)
    }
}

impl ToPython for NumpyType {
    fn to_python(&self) -> Option<Python> {
        Some(Python::DType(self.item_type()))
    }
}

/// A parameter `dtype`: one of numpy's classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NumpyClass {
    Float64,
    Float32,
    Int64,
}

byoc_formats::read_as_word! { NumpyClass { Float64 = "float64", Float32 = "float32", Int64 = "int64" } }

impl NumpyClass {
    pub(crate) const fn is_float(self) -> bool {
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

/// An enumeration of words that scikit-learn knows.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        pub(crate) enum $name { $(#[serde(rename = $word)] $variant),* }

        byoc_formats::read_as_word! { $name { $($variant = $word),* } }

        impl crate::parameters::values::ToPython for $name {
            fn to_python(&self) -> Option<byoc_formats::pickle::Python> {
                let word = match self { $($name::$variant => $word),* };
                Some(byoc_formats::pickle::Python::Text(word.to_owned()))
            }
        }
    )* };
}

pub(crate) use words;

words! {
    /// `quantile_method`, by the names of `numpy.percentile`
    QuantileMethod {
        InvertedCdf = "inverted_cdf",
        AveragedInvertedCdf = "averaged_inverted_cdf",
        ClosestObservation = "closest_observation",
        InterpolatedInvertedCdf = "interpolated_inverted_cdf",
        Hazen = "hazen",
        Weibull = "weibull",
        Linear = "linear",
        MedianUnbiased = "median_unbiased",
        NormalUnbiased = "normal_unbiased",
    }
}

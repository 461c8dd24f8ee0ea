//! The parts of a class with parts, in `preprocessor.json` and in Python.

use crate::parameters::class::text;
use crate::parameters::values::ToPython;
use crate::transformers::{FittedTransformer, Specified};
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Parts with their names.
pub(in crate::transformers) type Named<T> = Vec<(String, T)>;

pub(in crate::transformers) fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Named<T>, D::Error> {
    Ok(Vec::<Pair<T>>::deserialize(deserializer)?.into_iter().map(|Pair(name, part)| (name, part)).collect())
}

struct Pair<T>(String, T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pair<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pair<T>, D::Error> {
        struct Two<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Two<T> {
            type Value = Pair<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of two, a name and a transformer")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pair<T>, A::Error> {
                let name = items.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let part = items.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                match items.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::invalid_length(3, &self)),
                    None => Ok(Pair(name, part)),
                }
            }
        }
        deserializer.deserialize_any(Two(PhantomData))
    }
}

/// The factor of a part's output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number")]
pub(crate) enum Weight {
    Integer(i64),
    Float(f64),
}

/// `transformer_weights`, by the names of the parts.
pub(crate) type Weights = Option<BTreeMap<String, Weight>>;

impl ToPython for BTreeMap<String, Weight> {
    fn to_python(&self) -> Option<Python> {
        let weight = |weight: &Weight| match weight {
            Weight::Integer(weight) => Python::Int(*weight),
            Weight::Float(weight) => Python::Float(*weight),
        };
        Some(Python::Dict(self.iter().map(|(name, value)| (Python::Text(name.clone()), weight(value))).collect()))
    }
}

pub(in crate::transformers) fn yes() -> bool {
    true
}

/// The parts before they were fitted.
pub(in crate::transformers) fn specified(parts: &[(String, FittedTransformer)]) -> Vec<(String, Specified)> {
    parts.iter().map(|(name, fitted)| (name.clone(), fitted.specified())).collect()
}

/// Pairs in Python.
pub(in crate::transformers) fn python_pairs<'n>(parts: impl Iterator<Item = (&'n str, Python)>) -> Python {
    Python::List(parts.map(|(name, part)| Python::Tuple(vec![text(name), part])).collect())
}

/// Checks the parts of a fitted transformer; `path` is that of their list.
///
/// # Errors
/// As [`FittedTransformer::check`].
pub(in crate::transformers) fn check_parts<'p>(
    mut parts: impl Iterator<Item = &'p FittedTransformer>,
    path: &str,
) -> Result<()> {
    let mut at = 0..;
    parts.try_for_each(|part| part.check(&format!("{path}[{}][1]", at.next().unwrap_or(0))))
}

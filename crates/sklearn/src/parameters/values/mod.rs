//! The values of parameters and attributes, in JSON and in Python.
//!
//! JSON has no NaN and no infinity; they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`. No cell of a CSV is the
//! text `NaN`: pandas reads it as a missing value.
//! `scalars` has single values, `lists` values in lists, and `choices` values that are one of a few words, or a word or
//! something else.

mod choices;
mod lists;
mod scalars;
#[cfg(test)]
mod values_test;

pub(crate) use choices::words;
pub(crate) use choices::{NumpyClass, NumpyType, QuantileMethod, WordOr};
pub(crate) use lists::{BinCounts, Categories, Degrees, Floats, Integers, Matrix, Ragged, Range, Samples, names_array};
pub(crate) use scalars::{AtLeast, Code, Float, Frequency, Null, Scalar};

use byoc_formats::pickle::Python;

/// The value in Python; `None` if scikit-learn's object has no such attribute.
pub(crate) trait ToPython {
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

/// A list of positions.
pub(crate) fn positions(positions: &[usize]) -> Python {
    Python::List(positions.iter().filter_map(ToPython::to_python).collect())
}

/// A count as Python's integer.
pub(crate) fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

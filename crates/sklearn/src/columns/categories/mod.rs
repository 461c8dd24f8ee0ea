//! The categories of one feature of an encoder, and the lookup of values among them.
//!
//! scikit-learn decides by the type of the request's column, not of the categories (`sklearn.utils._encode`): an object
//! column goes through a Python dict, where `1 == 1.0 == True` and `"1" != 1`; a numeric one through numpy.

#[cfg(test)]
mod categories_test;
pub(crate) mod lookup;
pub(crate) mod object_index;

use crate::columns::dtype::{Dtype, objects as objects_of};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses, describe, refuse};
use crate::columns::readings::Texts;
use crate::columns::text_list::TextList;
use crate::version::Version;
use byoc_formats::error::Remedy;
use byoc_formats::rows::table::{Cell, Column};
use lookup::Lookup;
use object_index::ObjectIndex;
use std::sync::Arc;

/// Categories, each with its number in `categories_`.
#[derive(Debug)]
pub(crate) struct Categories {
    known: Known,
    /// What they show about the column that they were fitted on, if they are text.
    texts: Option<Texts>,
    /// From 0.24 on, missing values may be a category or unknown; before, they are refused.
    refuses_missing: bool,
    /// From 1.6 on, bool columns are matched as objects.
    bools_are_objects: bool,
    numbers_beside_objects: NumbersBesideObjects,
    /// Until 0.21, an encoder replaces an unknown value by the first category in the type of the column, which must be
    /// a category itself.
    looks_up_placeholder: bool,
}

/// How a column of numbers is matched with categories that are objects.
#[derive(Clone, Copy, Debug, PartialEq)]
enum NumbersBesideObjects {
    /// Until 0.23: numbers may be among the objects, and an unknown number is replaced by the first object if that is a
    /// number.
    Compared,
    /// From 0.24 on: numpy cannot search for missing values among objects.
    Refused,
}

/// The categories by their type.
#[derive(Debug)]
pub(crate) enum Known {
    Integers {
        values: Box<[i64]>,
        lookup: Lookup,
    },
    /// Of numpy's `uint64`.
    Unsigned {
        values: Box<[u64]>,
        lookup: Lookup,
    },
    Floats {
        values: Box<[f64]>,
        lookup: Lookup,
        missing: Option<u32>,
    },
    Texts {
        texts: TextList,
        lookup: Lookup,
        missing: Option<u32>,
        none: Option<u32>,
        objects: bool,
    },
    /// An object array that holds more than text.
    Objects {
        objects: Box<[Object]>,
        index: ObjectIndex,
    },
}

/// A category that is an object of Python.
#[derive(Debug, PartialEq)]
pub(crate) enum Object {
    Missing,
    None,
    Text(Arc<str>),
    Bool(bool),
    Integer(i64),
    Float(f64),
}

impl Categories {
    /// Categories as a version matches values with them.
    pub(crate) fn new(known: Known, version: Version) -> Categories {
        Categories {
            texts: texts_of(&known),
            known,
            refuses_missing: version < Version::new(0, 24),
            bools_are_objects: version >= Version::new(1, 6),
            numbers_beside_objects: match version < Version::new(0, 24) {
                true => NumbersBesideObjects::Compared,
                false => NumbersBesideObjects::Refused,
            },
            looks_up_placeholder: version < Version::new(0, 22),
        }
    }

    /// What they show about the column that they were fitted on, if they are text.
    pub(crate) fn texts(&self) -> Option<Texts> {
        self.texts
    }

    /// The text of a category.
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        if let Known::Texts { texts, .. } = &self.known { texts.get(number as usize) } else { None }
    }

    /// How many categories.
    pub(crate) fn len(&self) -> usize {
        match &self.known {
            Known::Integers { values, .. } => values.len(),
            Known::Unsigned { values, .. } => values.len(),
            Known::Floats { values, .. } => values.len(),
            Known::Texts { texts, .. } => texts.len(),
            Known::Objects { objects, .. } => objects.len(),
        }
    }

    /// Calls `found` for each row with the number of its category, or `None` for an unknown value.
    ///
    /// # Errors
    /// Where scikit-learn raises for any `handle_unknown`, and those of `found`.
    pub(crate) fn encode(
        &self,
        feature: &Feature<'_, '_>,
        mut found: impl FnMut(usize, Option<u32>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match &*feature.data {
            Column::Object(cells) => {
                for (row, cell) in cells.iter().enumerate() {
                    if self.refuses_missing && matches!(cell, Cell::Missing | Cell::None) {
                        return Err(Fault::of_value(feature.origin, row, "expected a category, found a missing value"));
                    }
                    found(row, self.of_object(cell))?;
                }
                Ok(())
            }
            Column::Bool(values) if self.bools_are_objects => {
                // In place of an unknown value scikit-learn writes the first category, which a bool array makes a bool,
                // and looks that up.
                let known = |value: bool| self.of_object(&Cell::Bool(value)).is_some();
                let of_text_array = matches!(self.known, Known::Texts { objects: false, .. });
                if !of_text_array && !values.iter().all(|value| known(*value)) && !known(self.first_is_true()) {
                    return Err(self.incomparable(feature, "bool"));
                }
                (0..).zip(values).try_for_each(|(row, value)| found(row, self.of_object(&Cell::Bool(*value))))
            }
            numbers if self.is_array_of_objects() => match self.numbers_beside_objects {
                NumbersBesideObjects::Refused => Err(self.incomparable(feature, numbers.dtype())),
                NumbersBesideObjects::Compared => self.encode_numbers_among_objects(feature, found),
            },
            numbers => self.encode_numbers(feature, |row, code| {
                found(row, code)?;
                if code.is_none() && self.looks_up_placeholder && !self.placeholder_is_known(Dtype::of(numbers)) {
                    return Err(self.incomparable(feature, numbers.dtype()));
                }
                Ok(())
            }),
        }
    }

    /// Calls `found` like [`Categories::encode`], for values that are labels of classes: unknown ones are not replaced.
    ///
    /// # Errors
    /// Those of `found`.
    pub(crate) fn encode_labels(
        &self,
        labels: &Feature<'_, '_>,
        mut found: impl FnMut(usize, Option<u32>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match &*labels.data {
            Column::Object(cells) => (0..).zip(cells).try_for_each(|(row, cell)| found(row, self.of_object(cell))),
            _ => self.encode_numbers(labels, found),
        }
    }

    fn encode_numbers_among_objects(
        &self,
        feature: &Feature<'_, '_>,
        mut found: impl FnMut(usize, Option<u32>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if let Column::Float64(values) = &*feature.data {
            refuse(feature.origin, values, Refuses::InfinityAndMissing)?;
        }
        for (row, cell) in objects_of(&feature.data).iter().enumerate() {
            let code = self.of_object(cell);
            found(row, code)?;
            if code.is_none() && !self.placeholder_is_known(Dtype::of(&feature.data)) {
                return Err(self.incomparable(feature, feature.data.dtype()));
            }
        }
        Ok(())
    }

    /// Whether the first category can be converted to a column's type and is then still a category.
    fn placeholder_is_known(&self, dtype: Dtype) -> bool {
        let first = match &self.known {
            Known::Integers { values, .. } => values.first().map(|value| *value as f64),
            Known::Unsigned { values, .. } => values.first().map(|value| *value as f64),
            Known::Floats { values, .. } => values.first().copied(),
            Known::Texts { .. } => None,
            Known::Objects { objects, .. } => match objects.first() {
                Some(Object::Bool(value)) => Some(f64::from(u8::from(*value))),
                Some(Object::Integer(value)) => Some(*value as f64),
                Some(Object::Float(value)) => Some(*value),
                Some(Object::Missing | Object::None | Object::Text(_)) | None => None,
            },
        };
        let cell = match dtype {
            Dtype::Bool => first.map(|value| Cell::Bool(value != 0.0)),
            Dtype::Int64 => first.map(|value| Cell::Int(value as i64)),
            // A negative number becomes a huge one.
            Dtype::UInt64 => first.filter(|value| *value >= 0.0).map(|value| Cell::Int(value as i64)),
            _ => first.map(Cell::Float),
        };
        cell.is_some_and(|cell| !self.looks_up_placeholder || self.of_object(&cell).is_some())
    }

    fn encode_numbers(
        &self,
        feature: &Feature<'_, '_>,
        mut found: impl FnMut(usize, Option<u32>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let refuses = if self.refuses_missing { Refuses::InfinityAndMissing } else { Refuses::Infinity };
        match &*feature.data {
            Column::Int64(values) => (0..).zip(values).try_for_each(|(row, value)| found(row, self.of_integer(*value))),
            Column::Bool(values) => {
                (0..).zip(values).try_for_each(|(row, value)| found(row, self.of_integer(i64::from(*value))))
            }
            Column::UInt64(values) => {
                (0..).zip(values).try_for_each(|(row, value)| found(row, self.of_unsigned(*value)))
            }
            Column::Float32(values) => (0..).zip(values).try_for_each(|(row, value)| {
                let value = f64::from(*value);
                refuse(feature.origin, &[value], refuses)?;
                found(row, self.of_float(value))
            }),
            Column::Float64(values) => {
                refuse(feature.origin, values, refuses)?;
                (0..).zip(values).try_for_each(|(row, value)| found(row, self.of_float(*value)))
            }
            Column::Object(_) => Ok(()),
        }
    }

    fn is_array_of_objects(&self) -> bool {
        matches!(self.known, Known::Texts { objects: true, .. } | Known::Objects { .. })
    }

    fn incomparable(&self, feature: &Feature<'_, '_>, dtype: &str) -> Fault {
        let nothing = !feature.has_values
            && matches!(&*feature.data, Column::Float64(values) if values.iter().all(|value| value.is_nan()));
        let what = if nothing { "no value in any row".to_owned() } else { format!("only values of type {dtype}") };
        let categories = if let Known::Texts { .. } = self.known { "categories of text" } else { "the categories" };
        let some_are_numbers = self.texts.is_some_and(Texts::has_numbers_or_bools);
        let way_out = match feature.imputed {
            // An imputer would turn them into numbers that are not categories.
            _ if some_are_numbers => "or if the column were said to be text",
            true => {
                "or if the imputer before the encoder were fitted by scikit-learn 1.1 or later, which takes numbers \
                 for text"
            }
            false => "or with an imputer before the encoder",
        };
        let message = format!(
            "the column has {what}, which scikit-learn cannot compare with {categories} ({}); \
             it could if one row had text here, {way_out}",
            self.some()
        );
        let fault = Fault::of_column(feature.origin, message);
        if some_are_numbers { fault.remedied_by(Remedy::IsText(None)) } else { fault }
    }

    /// What Python's `bool` makes of the first category.
    fn first_is_true(&self) -> bool {
        match &self.known {
            Known::Integers { values, .. } => values.first() != Some(&0),
            Known::Unsigned { values, .. } => values.first() != Some(&0),
            Known::Floats { values, .. } => values.first() != Some(&0.0),
            Known::Texts { texts, none, .. } => *none != Some(0) && texts.get(0) != Some(""),
            Known::Objects { objects, .. } => {
                !matches!(objects.first(), Some(Object::None | Object::Integer(0) | Object::Bool(false)))
            }
        }
    }

    fn of_object(&self, cell: &Cell<'_>) -> Option<u32> {
        match (&self.known, cell) {
            (Known::Texts { texts, lookup, .. }, Cell::Text(text)) => lookup.find_text(texts, text),
            (Known::Texts { missing, .. }, Cell::Missing) => *missing,
            // JSON has one word for a missing value. It matches the category of the fit: None if it exists, else nan.
            (Known::Texts { none, missing, .. }, Cell::None) => none.or(*missing),
            (Known::Floats { missing, .. }, Cell::Missing | Cell::None) => *missing,
            (_, Cell::Int(value)) if !self.is_of_objects() => self.of_python_integer(*value),
            (_, Cell::Bool(value)) if !self.is_of_objects() => self.of_integer(i64::from(*value)),
            (_, Cell::Float(value)) if !self.is_of_objects() => self.of_python_float(*value),
            (Known::Objects { objects, index }, cell) => {
                let is_null = *cell == Cell::None;
                let position = |cell| index.find(objects, cell);
                position(cell).or_else(|| is_null.then(|| position(&Cell::Missing)).flatten())
            }
            _ => None,
        }
    }

    fn is_of_objects(&self) -> bool {
        matches!(self.known, Known::Texts { .. } | Known::Objects { .. })
    }

    /// A value of an `int64` column, as numpy compares it.
    fn of_integer(&self, value: i64) -> Option<u32> {
        match &self.known {
            Known::Integers { values, lookup } => lookup.find(values, &value),
            Known::Unsigned { values, lookup } => {
                lookup.find(values, &u64::try_from(value).ok()?)?;
                first_of_float(values, lookup, value as f64, |value| *value as f64)
            }
            Known::Floats { values, lookup, .. } => lookup.find(values, &(value as f64)),
            Known::Texts { .. } | Known::Objects { .. } => None,
        }
    }

    /// A value of a `uint64` column, as numpy compares it.
    ///
    /// With `int64` categories, it is known if it is exactly one of them, but `numpy.searchsorted` determines which one
    /// in the common type `float64`: the first that is the same float. (Depending on the number of rows, `numpy.isin`
    /// may also compare floats if there are many categories far apart; here it never does.)
    fn of_unsigned(&self, value: u64) -> Option<u32> {
        match &self.known {
            Known::Integers { values, lookup } => {
                lookup.find(values, &i64::try_from(value).ok()?)?;
                first_of_float(values, lookup, value as f64, |value| *value as f64)
            }
            Known::Unsigned { values, lookup } => lookup.find(values, &value),
            Known::Floats { values, lookup, .. } => lookup.find(values, &(value as f64)),
            Known::Texts { .. } | Known::Objects { .. } => None,
        }
    }

    /// A value of a float column: integer categories become floats, too.
    fn of_float(&self, value: f64) -> Option<u32> {
        match &self.known {
            Known::Integers { values, lookup } => first_of_float(values, lookup, value, |value| *value as f64),
            Known::Unsigned { values, lookup } => first_of_float(values, lookup, value, |value| *value as f64),
            Known::Floats { missing, .. } if value.is_nan() => *missing,
            Known::Floats { values, lookup, .. } => lookup.find(values, &value),
            Known::Texts { .. } | Known::Objects { .. } => None,
        }
    }

    /// An integer in a column of objects, which Python compares exactly.
    fn of_python_integer(&self, value: i64) -> Option<u32> {
        match &self.known {
            Known::Integers { values, lookup } => lookup.find(values, &value),
            Known::Unsigned { values, lookup } => lookup.find(values, &u64::try_from(value).ok()?),
            _ if value as f64 as i128 == i128::from(value) => self.of_float(value as f64),
            _ => None,
        }
    }

    /// A float in a column of objects, which Python compares exactly.
    fn of_python_float(&self, value: f64) -> Option<u32> {
        let integer = || (value.fract() == 0.0 && value.abs() < 2e19).then_some(value as i128);
        match &self.known {
            Known::Integers { values, lookup } => lookup.find(values, &i64::try_from(integer()?).ok()?),
            Known::Unsigned { values, lookup } => lookup.find(values, &u64::try_from(integer()?).ok()?),
            _ => self.of_float(value),
        }
    }

    /// Whether a column of `uint64` cannot replace an unknown value by the first category: a negative number becomes a
    /// huge one, which follows all categories but NaN.
    pub(crate) fn begins_below_zero(&self) -> bool {
        match &self.known {
            Known::Integers { values, .. } => values.first().is_some_and(|value| *value < 0),
            Known::Floats { values, missing: None, .. } => values.first().is_some_and(|value| *value < 0.0),
            _ => false,
        }
    }

    /// The texts, if all categories are text.
    pub(crate) fn as_texts(&self) -> Option<&TextList> {
        match &self.known {
            Known::Texts { texts, missing: None, none: None, .. } => Some(texts),
            _ => None,
        }
    }

    /// The category that is this text.
    pub(crate) fn of_text(&self, text: &str) -> Option<u32> {
        self.of_object(&Cell::Text(text.into()))
    }

    /// The first few categories, as a message shows them.
    pub(crate) fn some(&self) -> String {
        const SHOWN: usize = 8;
        let mut shown: Vec<String> = match &self.known {
            Known::Integers { values, .. } => values.iter().take(SHOWN).map(i64::to_string).collect(),
            Known::Unsigned { values, .. } => values.iter().take(SHOWN).map(u64::to_string).collect(),
            Known::Floats { values, .. } => values.iter().take(SHOWN).map(f64::to_string).collect(),
            Known::Texts { texts, missing, none, .. } => (0..)
                .zip(texts.iter())
                .take(SHOWN)
                .map(|(number, text)| match Some(number) {
                    number if number == *missing => "nan".into(),
                    number if number == *none => "None".into(),
                    _ => describe(&Cell::Text(text.into())),
                })
                .collect(),
            Known::Objects { objects, .. } => objects.iter().take(SHOWN).map(Object::describe).collect(),
        };
        let more = self.len() - shown.len();
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        shown.join(", ")
    }
}

fn texts_of(known: &Known) -> Option<Texts> {
    let Known::Texts { texts, missing, none, .. } = known else { return None };
    // A missing value is among them as an empty text.
    let is_missing = |number: u32| Some(number) == *missing || Some(number) == *none;
    Some(Texts::of((0..).zip(texts.iter()).filter(|(number, _)| !is_missing(*number))))
}

/// The first of the integers that is this number as a float.
fn first_of_float<T>(values: &[T], lookup: &Lookup, wanted: f64, float: impl Fn(&T) -> f64) -> Option<u32> {
    lookup.first(|index| float(values.get(index)?).partial_cmp(&wanted))
}

impl Object {
    /// Whether they are equal in Python. The index gives the same result faster; its test compares it with this.
    #[cfg(test)]
    fn equals(&self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            (Object::Missing, Cell::Missing) | (Object::None, Cell::None) => true,
            (Object::Text(one), Cell::Text(other)) => **one == **other,
            (Object::Bool(one), other) => Object::Integer(i64::from(*one)).equals(other),
            (Object::Integer(one), Cell::Int(other)) => one == other,
            (Object::Integer(one), Cell::Bool(other)) => *one == i64::from(*other),
            (Object::Integer(one), Cell::Float(other)) => *one as f64 == *other,
            (Object::Float(one), Cell::Int(other)) => *one == *other as f64,
            (Object::Float(one), Cell::Bool(other)) => *one == f64::from(u8::from(*other)),
            (Object::Float(one), Cell::Float(other)) => one == other,
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match self {
            Object::Missing => "nan".into(),
            Object::None => "None".into(),
            Object::Text(text) => describe(&Cell::Text((&**text).into())),
            Object::Bool(value) => describe(&Cell::Bool(*value)),
            Object::Integer(value) => value.to_string(),
            Object::Float(value) => value.to_string(),
        }
    }
}

#[cfg(test)]
fn objects(objects: Vec<Object>) -> Option<Known> {
    let number = |index: Option<usize>| index.and_then(|index| u32::try_from(index).ok());
    let none = objects.iter().position(|object| *object == Object::None);
    let missing = objects.iter().position(|object| *object == Object::Missing);
    let text = |object: &Object| if let Object::Text(text) = object { Some(Arc::clone(text)) } else { None };
    let texts: Vec<Arc<str>> = objects.iter().map_while(text).collect();
    if texts.len() + usize::from(none.is_some()) + usize::from(missing.is_some()) < objects.len() {
        let index = ObjectIndex::new(&objects, &mut |_| Ok(())).ok()?;
        return Some(Known::Objects { objects: objects.into(), index });
    }
    let list = TextList::of((0..objects.len()).map(|index| texts.get(index).map_or("", |text| text)));
    let lookup = Lookup::of_texts(&list, texts.len(), &mut |_| Ok(())).ok()?;
    Some(Known::Texts { texts: list, lookup, missing: number(missing), none: number(none), objects: true })
}

#[cfg(test)]
impl Categories {
    /// Categories of an object array of text; `None` is a missing value.
    pub(crate) fn of_texts(texts: &[Option<&str>], version: Version) -> Categories {
        let object = |text: &Option<&str>| text.map_or(Object::Missing, |text| Object::Text(text.into()));
        Categories::new(objects(texts.iter().map(object).collect()).unwrap(), version)
    }

    /// Categories of an array of integers.
    pub(crate) fn of_integers(values: &[i64], version: Version) -> Categories {
        let lookup = Lookup::new(values);
        Categories::new(Known::Integers { lookup, values: values.into() }, version)
    }

    /// Categories of an array of `uint64`.
    pub(crate) fn of_unsigned_integers(values: &[u64], version: Version) -> Categories {
        Categories::new(Known::Unsigned { lookup: Lookup::new(values), values: values.into() }, version)
    }

    /// Categories of an array of floats.
    pub(crate) fn of_floats(values: &[f64], version: Version) -> Categories {
        let missing = values.iter().position(|value| value.is_nan()).and_then(|index| u32::try_from(index).ok());
        Categories::new(Known::Floats { lookup: Lookup::new(values), values: values.into(), missing }, version)
    }
}

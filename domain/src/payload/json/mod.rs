//! `application/json`: one document for all rows, `{"instances": [...]}` in, `{"predictions": [...]}` or
//! `{"instances": [...]}` out. JSON Lines shares the instances and the spelling of values.
//!
//! Forms of an instance: docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html.

mod columns;
pub(super) mod instance;
pub(super) mod words;
mod write;

pub(super) use columns::Columns;
pub(super) use write::{write_cell, write_cells, write_estimates, write_predictions, write_rows, write_score};

use super::Batch;
use super::frame::Frame;
use super::table::Schema;
use crate::error::{Error, Result};
use byoc_account::Allowance;
use instance::{Instance, Purpose, Reading, Rows, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use words::Words;

/// Reads the instances of a document as float32 rows of `width` features. No instance is no error: the answer is an empty
/// list of predictions.
pub(super) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let mut batch = Batch::for_body(width, body, allowance)?;
    match Words::find(body, allowance)? {
        None => read_document(body, None, &mut batch)?,
        Some(words) => read_document(words.text(), Some(&words), &mut batch)?,
    }
    Ok(batch)
}

/// Reads the instances of a document as columns, typed as pandas types lists of Python values, once the schema has agreed to
/// how many there are.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: no such document, rows of different
/// length, sparse rows.
pub fn read_table<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
    let Some(words) = Words::find(body, allowance)? else {
        let mut columns = Columns::new(schema, allowance);
        read_document(body, None, &mut columns)?;
        return columns.finish();
    };
    let mut columns = Columns::new(schema, allowance);
    read_document(words.text(), Some(&words), &mut columns)?;
    columns.finish()?.into_owned(allowance)
}

fn read_document<'de>(body: &'de [u8], words: Option<&Words<'_>>, rows: &mut impl Rows<'de>) -> Result<()> {
    if body.trim_ascii().is_empty() {
        return Err(Error::bad_payload("expected {\"instances\": [...]}, found an empty body"));
    }
    let mut reading = Reading::new(rows, words);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Document(&mut reading).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|error| reading.error(&error, body, 0))
}

/// `{"instances": [...]}`, of which other members are not looked at; or the list of instances alone, which is what
/// `json.dumps` makes of a numpy array's `tolist()`: of two dimensions, or of one, which is a single row.
struct Document<'a, 'r, R>(&'a mut Reading<'r, R>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DocumentMember {
    Instances,
    #[serde(other)]
    Other,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Document<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Document<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"instances\": [...]}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut found = Found::Nothing;
        while let Some(element) = list.next_element_seed(Element { reading: &mut *self.0, found })? {
            found = element;
        }
        match found {
            Found::Nothing => Err(A::Error::custom("expected at least one row, found none")),
            Found::Values(_) => self.0.end_bare_row(),
            Found::Instances => {
                self.0.leave_instances();
                Ok(())
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(member) = map.next_key()? {
            match member {
                DocumentMember::Instances if found => return Err(A::Error::duplicate_field("instances")),
                DocumentMember::Instances => {
                    map.next_value_seed(Instances(&mut *self.0))?;
                    found = true;
                }
                DocumentMember::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        if found { Ok(()) } else { Err(A::Error::custom("expected a member \"instances\", found none")) }
    }
}

/// What a list without a name has held so far.
#[derive(Clone, Copy)]
enum Found {
    Nothing,
    /// So many values of one row.
    Values(usize),
    Instances,
}

/// An element of a list without a name: an instance, or a value of the only row.
struct Element<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    found: Found,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Element<'_, '_, R> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, 'r, R> Element<'a, 'r, R> {
    /// The visitor for an instance.
    fn instance<E: serde::de::Error>(self) -> Result<Instance<'a, 'r, R>, E> {
        match self.found {
            Found::Nothing | Found::Instances => Ok(self.reading.next_instance()),
            Found::Values(_) => Err(E::custom("expected the values of one row, found an instance among them")),
        }
    }

    /// The visitor for a value, and what has been found with it.
    fn value<E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, Found), E> {
        let column = match self.found {
            Found::Nothing => {
                let _ = self.reading.next_instance();
                0
            }
            Found::Values(count) => count,
            Found::Instances => return Err(E::custom("expected instances, found a value among them")),
        };
        Ok((Value { reading: self.reading, column, purpose: Purpose::Next }, Found::Values(column + 1)))
    }
}

/// Hands the visit of one sort of value on to the visitor of values.
macro_rules! visit_values {
    ($($visit:ident $(: $type:ty)?;)*) => {
        $(fn $visit<E: serde::de::Error>(self $(, value: $type)?) -> Result<Found, E> {
            let (visitor, found) = self.value()?;
            visitor.$visit($({ let value: $type = value; value })?).map(|()| found)
        })*
    };
}

impl<'de, R: Rows<'de>> Visitor<'de> for Element<'_, '_, R> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instance or a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Found, A::Error> {
        self.instance()?.visit_seq(list).map(|()| Found::Instances)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Found, A::Error> {
        self.instance()?.visit_map(map).map(|()| Found::Instances)
    }

    visit_values! {
        visit_unit;
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
        visit_str: &str;
        visit_borrowed_str: &'de str;
    }
}

struct Instances<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Instances<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Instances<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of instances")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self.0.next_instance())?.is_some() {}
        self.0.leave_instances();
        Ok(())
    }
}

#[cfg(test)]
#[path = "read_test.rs"]
mod read_test;

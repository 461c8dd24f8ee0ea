//! `application/json`: one document for all rows, `{"instances": [...]}` in, `{"predictions": [...]}` or
//! `{"instances": [...]}` out. JSON Lines shares the instances and the spelling of values.
//!
//! Forms of an instance: docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html.

mod columns;
pub(super) mod instance;
mod write;

pub(super) use columns::Columns;
pub use write::write_table;
pub(super) use write::{write_cell, write_cells, write_estimates, write_predictions, write_score};

use super::{Batch, table::Table};
use crate::error::{Error, Result};
use instance::{Reading, Rows};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads the instances of a document as float32 rows of `width` features. No instance is no error: the answer is an empty
/// list of predictions.
pub(super) fn read_batch(body: &[u8], width: usize) -> Result<Batch> {
    let mut batch = Batch::for_body(width, body);
    read_document(body, &mut batch)?;
    Ok(batch)
}

/// Reads the instances of a document as columns, typed as pandas types lists of Python values, once `check_width` has
/// agreed to how many there are.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: no such document, rows of different
/// length, sparse rows.
pub fn read_table<'a>(body: &'a [u8], check_width: &dyn Fn(usize) -> Result<()>) -> Result<Table<'a>> {
    let mut columns = Columns::new(check_width);
    read_document(body, &mut columns)?;
    Ok(columns.finish())
}

fn read_document<'de>(body: &'de [u8], rows: &mut impl Rows<'de>) -> Result<()> {
    if body.trim_ascii().is_empty() {
        return Err(Error::bad_payload("expected {\"instances\": [...]}, found an empty body"));
    }
    let mut reading = Reading::new(rows);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Document(&mut reading).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|error| reading.error(&error, body, 0))
}

/// `{"instances": [...]}`; other members are not looked at.
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
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Document<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"instances\": [...]}")
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

//! A body as a whole: which of its parts are instances.

use super::instance::{Instance, Instances, Purpose, Value, visit_scalars};
use super::member::Is;
use super::orientations::{ByColumn, Split};
use super::outline::{Form, INSTANCES, Outline};
use super::reading::{Reading, Rows, read_as, refuse_scalars};
use super::words::Words;
use crate::error::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads a document, which begins at byte `offset` of the body.
pub(super) fn read_document<'de>(
    text: &'de [u8],
    offset: usize,
    words: Option<&Words<'_>>,
    rows: &mut impl Rows<'de>,
) -> Result<()> {
    if text.trim_ascii().is_empty() {
        return Err(Error::bad_payload("expected {\"instances\": [...]}, found an empty body"));
    }
    let mut reading = Reading::new(rows, words);
    let form = Outline::form(text, &mut reading).map_err(|error| reading.error(&error, text, offset))?;
    let read = match &form {
        Form::Instances(member) => read_as(Document { reading: &mut reading, member }, text),
        Form::Instance { .. } => read_as(Instance::next(&mut reading), text),
        Form::Split { columns, within } => {
            read_as(Split { reading: &mut reading, columns: columns.as_ref(), within: *within }, text)
        }
        Form::ByColumn => read_as(ByColumn(&mut reading), text),
    };
    let read = read.map_err(|error| reading.error(&error, text, offset));
    match form {
        Form::Split { columns: Some(columns), .. } => columns.give_back_to(reading.allowance()),
        Form::Instance { is_empty: true } => return read.map_err(|error| error.context("found no \"instances\"")),
        _ => {}
    }
    read
}

/// `{"instances": [...]}`, whose other members are ignored; or the list of instances alone, which `json.dumps` makes of
/// the `tolist()` of a numpy array: of two dimensions, or of one, which is a single row.
struct Document<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    /// What the member with the instances is called.
    member: &'static str,
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

    refuse_scalars! { reading }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut found = Found::Nothing;
        while let Some(element) = list.next_element_seed(Element { reading: &mut *self.reading, found })? {
            found = element;
        }
        match found {
            Found::Nothing => Err(A::Error::custom("expected at least one row, found none")),
            Found::Values(_) => self.reading.end_bare_row(),
            Found::Instances => {
                self.reading.leave_instances();
                Ok(())
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(is_rows) = map.next_key_seed(Is(self.member))? {
            if !is_rows {
                map.next_value::<IgnoredAny>()?;
            } else if found {
                return Err(A::Error::duplicate_field(self.member));
            } else {
                map.next_value_seed(Instances(&mut *self.reading))?;
                found = true;
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field(INSTANCES)) }
    }
}

/// What a list without a name holds so far.
#[derive(Clone, Copy)]
enum Found {
    Nothing,
    /// This many values of one row.
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
            Found::Nothing | Found::Instances => Ok(Instance::next(self.reading)),
            Found::Values(_) => Err(E::custom("expected the values of one row, found an instance among them")),
        }
    }

    /// The visitor for a value, and what has been found with it.
    fn value<E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, Found), E> {
        let column = match self.found {
            Found::Nothing => {
                self.reading.go_to_next_row();
                0
            }
            Found::Values(count) => count,
            Found::Instances => return Err(E::custom("expected instances, found a value among them")),
        };
        Ok((Value { reading: self.reading, column, purpose: Purpose::Next }, Found::Values(column + 1)))
    }
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

    visit_scalars! { Found }
}

/// A line of JSON Lines: an instance, or the only value of one.
pub(crate) struct Line<'a, 'r, R>(pub(in crate::media_types) &'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Line<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match (Element { reading: &mut *self.0, found: Found::Nothing }).deserialize(deserializer)? {
            Found::Values(_) => self.0.end_bare_row(),
            Found::Nothing | Found::Instances => Ok(()),
        }
    }
}

//! A deserializer around serde_json's that fails with a [`Mistake`] instead of text.
//!
//! A visitor can fail only with the error of its deserializer. So each visitor is wrapped: it fails with a mistake,
//! which is kept in a slot while serde_json passes its own empty error up.

use super::mistake::{Alternatives, Mistake};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, Expected, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt::{self, Display as _};

/// Where the mistake is kept while serde_json passes its own error up.
pub(super) type Slot = Cell<Option<Mistake>>;

/// A deserializer that fails with mistakes.
pub(super) struct Structured<'s, D> {
    pub(super) inner: D,
    pub(super) slot: &'s Slot,
}

/// A visitor or a seed, around which errors change their type.
struct Wrapped<'s, T> {
    inner: T,
    /// What the type asked the deserializer for, in JSON's terms.
    kind: Option<&'static str>,
    slot: &'s Slot,
}

/// The mistake behind an error of the inner deserializer.
fn mistake(slot: &Slot, error: impl fmt::Display) -> Mistake {
    slot.take().unwrap_or_else(|| Mistake::NotJson(error.to_string()))
}

/// Keeps a mistake, and returns the error that the inner deserializer passes up.
#[cold]
fn keep<E: serde::de::Error>(slot: &Slot, mistake: Mistake) -> E {
    slot.set(Some(mistake));
    E::custom("")
}

macro_rules! deserialize {
    ($($method:ident: $kind:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            self.any($kind, visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Structured<'_, D> {
    fn any<V: Visitor<'de>>(self, kind: Option<&'static str>, visitor: V) -> Result<V::Value, Mistake> {
        let Structured { inner, slot } = self;
        inner.deserialize_any(Wrapped { inner: visitor, kind, slot }).map_err(|error| mistake(slot, error))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Structured<'_, D> {
    type Error = Mistake;

    deserialize! {
        deserialize_any: None;
        deserialize_bool: Some("true or false");
        deserialize_i8: Some("an integer");
        deserialize_i16: Some("an integer");
        deserialize_i32: Some("an integer");
        deserialize_i64: Some("an integer");
        deserialize_i128: Some("an integer");
        deserialize_u8: Some("an integer from 0 to 255");
        deserialize_u16: Some("an integer from 0 to 65535");
        deserialize_u32: Some("an integer from 0 to 4294967295");
        deserialize_u64: Some("an integer of at least 0");
        deserialize_u128: Some("an integer of at least 0");
        deserialize_f32: Some("a number");
        deserialize_f64: Some("a number");
        deserialize_char: Some("a character");
        deserialize_str: Some("text");
        deserialize_string: Some("text");
        deserialize_bytes: None;
        deserialize_byte_buf: None;
        deserialize_unit: Some("null");
        deserialize_seq: Some("a list");
        deserialize_map: Some("an object");
        deserialize_identifier: None;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Structured { inner, slot } = self;
        inner.deserialize_option(Wrapped { inner: visitor, kind: None, slot }).map_err(|error| mistake(slot, error))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        self.any(Some("null"), visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.any(None, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.any(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.any(Some("an object"), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.any(None, EnumVisitor { inner: visitor, words })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Structured { inner, slot } = self;
        inner
            .deserialize_ignored_any(Wrapped { inner: visitor, kind: None, slot })
            .map_err(|error| mistake(slot, error))
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty;)*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value).map_err(|error: Mistake| keep(self.slot, error.expecting(self.kind)))
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Wrapped<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&self.inner, f)
    }

    visit! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit().map_err(|error: Mistake| keep(self.slot, error.expecting(self.kind)))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none().map_err(|error: Mistake| keep(self.slot, error))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let slot = self.slot;
        self.inner.visit_some(Structured { inner, slot }).map_err(|error| keep(slot, error))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Wrapped { inner: visitor, kind, slot } = self;
        let mut items = Access { inner, is_used: false, slot };
        let value = visitor.visit_seq(&mut items).map_err(|error| keep(slot, items.refused(error, kind)))?;
        match items.inner.next_element::<IgnoredAny>()? {
            Some(_) => Err(keep(slot, Mistake::custom("expected fewer items"))),
            None => Ok(value),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Wrapped { inner: visitor, kind, slot } = self;
        let mut members = Access { inner, is_used: false, slot };
        visitor.visit_map(&mut members).map_err(|error| keep(slot, members.refused(error, kind)))
    }
}

/// The access to a list or an object.
struct Access<'s, A> {
    inner: A,
    /// Whether the visitor looked inside; otherwise it refused the list or the object itself.
    is_used: bool,
    slot: &'s Slot,
}

impl<A> Access<'_, A> {
    fn refused(&self, mistake: Mistake, kind: Option<&'static str>) -> Mistake {
        if self.is_used { mistake } else { mistake.expecting(kind) }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Wrapped<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let slot = self.slot;
        self.inner.deserialize(Structured { inner, slot }).map_err(|error| keep(slot, error))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Access<'_, A> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<Option<S::Value>, Mistake> {
        let slot = self.slot;
        self.is_used = true;
        self.inner.next_element_seed(Wrapped { inner, kind: None, slot }).map_err(|error| mistake(slot, error))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Access<'_, A> {
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<Option<S::Value>, Mistake> {
        let slot = self.slot;
        self.is_used = true;
        self.inner.next_key_seed(Wrapped { inner, kind: None, slot }).map_err(|error| mistake(slot, error))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, inner: S) -> Result<S::Value, Mistake> {
        let slot = self.slot;
        self.is_used = true;
        self.inner.next_value_seed(Wrapped { inner, kind: None, slot }).map_err(|error| mistake(slot, error))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// Reads an enum: a word, or an object with one member.
struct EnumVisitor<V> {
    inner: V,
    words: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for EnumVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Alternatives(self.words).fmt(f)
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<V::Value, E> {
        self.inner.visit_enum(StrDeserializer::new(word))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(MapAccessDeserializer::new(members))
    }
}

//! The shape of a JSON value, for values that are skipped.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    List,
    Object,
}

impl Shape {
    pub(super) fn is_scalar(self) -> bool {
        self == Shape::Scalar
    }
}

/// Skips a value and determines its shape.
pub(super) struct AnyShape;

impl<'de> DeserializeSeed<'de> for AnyShape {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyShape {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_others! { Shape::Scalar; Shape::Object; Shape::List }
}

/// Skips a value and returns its shape.
macro_rules! visit_others {
    ($scalar:expr; $object:expr; $list:expr) => {
        visit_others! { $scalar; $object }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($list)
        }
    };
    ($scalar:expr; $object:expr) => {
        visit_others! { $scalar }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($object)
        }
    };
    ($scalar:expr) => {
        visit_others! { @ $scalar;
            visit_unit; visit_bool: bool; visit_i64: i64; visit_u64: u64; visit_f64: f64; visit_str: &str;
        }
    };
    (@ $scalar:expr; $($visit:ident $(: $type:ty)?;)*) => {
        $(fn $visit<E: serde::de::Error>(self $(, _: $type)?) -> Result<Self::Value, E> {
            Ok($scalar)
        })*
    };
}
pub(super) use visit_others;

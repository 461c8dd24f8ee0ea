//! The types of items, by numpy's codes (`descr` of a header): byte order, kind, bytes.

use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// The type of an array's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dtype {
    pub(super) kind: Kind,
    pub(super) order: ByteOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float16,
    Float32,
    Float64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl Kind {
    /// Every kind, with numpy's code for it.
    pub(super) const CODES: [(&'static str, Kind); 12] = [
        ("b1", Kind::Bool),
        ("i1", Kind::Int8),
        ("i2", Kind::Int16),
        ("i4", Kind::Int32),
        ("i8", Kind::Int64),
        ("u1", Kind::UInt8),
        ("u2", Kind::UInt16),
        ("u4", Kind::UInt32),
        ("u8", Kind::UInt64),
        ("f2", Kind::Float16),
        ("f4", Kind::Float32),
        ("f8", Kind::Float64),
    ];

    /// How many bytes an item has.
    pub(super) fn size(self) -> usize {
        match self {
            Kind::Bool | Kind::Int8 | Kind::UInt8 => 1,
            Kind::Int16 | Kind::UInt16 | Kind::Float16 => 2,
            Kind::Int32 | Kind::UInt32 | Kind::Float32 => 4,
            Kind::Int64 | Kind::UInt64 | Kind::Float64 => 8,
        }
    }
}

impl Dtype {
    /// Reads a code such as `<f8`.
    ///
    /// # Errors
    /// For a type that is not read, with the reason.
    pub(super) fn parse(code: &str) -> Result<Dtype> {
        let (order, name) = match code.as_bytes() {
            [b'>', ..] => (ByteOrder::Big, &code[1..]),
            // `=` is the writer's own order, which numpy never writes; it is little on every machine that byoc runs on.
            [b'<' | b'|' | b'=', ..] => (ByteOrder::Little, &code[1..]),
            _ => (ByteOrder::Little, code),
        };
        if let Some(&(_, kind)) = Kind::CODES.iter().find(|(code, _)| *code == name) {
            return Ok(Dtype { kind, order });
        }
        let why = match name.as_bytes().first() {
            Some(b'O') => "objects are pickled in the file, and a pickle could run code",
            Some(b'U' | b'S' | b'a') => "text goes as text/csv or application/json",
            Some(b'V') => "structured items have no columns of one type",
            Some(b'M' | b'm') => "dates and times are not numbers",
            Some(b'c') => "complex numbers are not supported",
            _ => "it is not a numeric type",
        };
        Err(Error::bad_payload(format!(
            "expected an array of dtype bool, int8 to int64, uint8 to uint64 or float16 to float64, found {}: {why}",
            excerpt(code.as_bytes())
        )))
    }
}

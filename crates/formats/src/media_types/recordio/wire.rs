//! Protocol buffers on the wire, as far as records need them (protobuf.dev/programming-guides/encoding).

use crate::error::{Error, Result};

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message, with their numbers.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field, or none at the end.
    pub(super) fn next_field(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => Field::Fixed64(fixed(&mut self.0)?),
            2 => {
                let length = varint(&mut self.0)?;
                let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
                let (bytes, rest) = split.ok_or_else(|| {
                    broken(format!("expected a field of {length} bytes, found {} to the end", self.0.len()))
                })?;
                self.0 = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(fixed(&mut self.0)?),
            other => return Err(broken(format!("expected a wire type of 0, 1, 2 or 5, found {other}"))),
        };
        match tag >> 3 {
            0 => Err(broken("expected a field number above 0, found 0")),
            number => Ok(Some((number, field))),
        }
    }
}

pub(super) fn broken(message: impl std::fmt::Display) -> Error {
    Error::bad_payload(format!("cannot be read as a protobuf record: {message}"))
}

pub(super) fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk().ok_or_else(|| broken("a number is cut short"))?;
    *bytes = rest;
    Ok(*first)
}

pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(10).enumerate() {
        let shift = 7 * index as u32;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            *bytes = bytes.get(index + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(broken("a number of variable length is cut short or too long"))
}

//! The header: a magic text, a version, and a Python dictionary that describes the items. It is parsed, never
//! evaluated.

use super::dtype::Dtype;
use crate::error::{Error, Place, Result};
use crate::excerpt::excerpt;

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest dictionary: the limit of `numpy.load` for untrusted files (`max_header_size`).
const MAX_LENGTH: usize = 10_000;

/// How many dimensions numpy knows, at most.
const MAX_DIMENSIONS: usize = 64;

/// The contents of a header.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// How many bytes the header takes, to the first item.
    pub(super) length: usize,
}

/// A value of the dictionary.
#[derive(Debug, PartialEq)]
enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Tuple(Vec<usize>),
}

impl Header {
    /// Reads the header at the start of a body.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the byte: for another kind of file, an unknown version, something else
    /// than a dictionary, or a dtype that is not read.
    pub(super) fn read(body: &[u8]) -> Result<Header> {
        if body.is_empty() {
            return Err(Error::bad_payload("expected a file of numpy.save, found an empty body"));
        }
        let Some(rest) = body.strip_prefix(MAGIC) else {
            let found = excerpt(body.get(..MAGIC.len()).unwrap_or(body));
            return Err(Error::bad_payload(format!(
                "expected \\x93NUMPY at the start of a file of numpy.save, found {found}"
            ))
            .at(Place::byte(0)));
        };
        let cut = |start: usize| {
            Error::bad_payload("the header of the array is cut short: expected it to say how long it is, found the end")
                .at(Place::byte(start))
        };
        let (&[major, minor], rest) = rest.split_first_chunk::<2>().ok_or_else(|| cut(MAGIC.len()))?;
        let at = MAGIC.len() + 2;
        let (length, start) = match (major, minor) {
            (1, 0) => {
                let (bytes, _) = rest.split_first_chunk::<2>().ok_or_else(|| cut(at))?;
                (usize::from(u16::from_le_bytes(*bytes)), at + 2)
            }
            (2 | 3, 0) => {
                let (bytes, _) = rest.split_first_chunk::<4>().ok_or_else(|| cut(at))?;
                (u32::from_le_bytes(*bytes) as usize, at + 4)
            }
            _ => {
                return Err(Error::bad_payload(format!(
                    "expected version 1.0, 2.0 or 3.0 of numpy's file format, found {major}.{minor}"
                ))
                .at(Place::byte(MAGIC.len())));
            }
        };
        let wrong = |message: String| Error::bad_payload(message).at(Place::byte(start));
        if length > MAX_LENGTH {
            return Err(wrong(format!("expected a header of at most {MAX_LENGTH} bytes, found one of {length}")));
        }
        let text = body.get(start..).and_then(|rest| rest.get(..length)).ok_or_else(|| {
            wrong(format!("expected a header of {length} bytes, found {} to the end", body.len().saturating_sub(start)))
        })?;
        // Versions 1 and 2 are Latin-1; but nothing that is read here has a character beyond ASCII.
        let text = std::str::from_utf8(text).map_err(|_| {
            wrong("expected a header in ASCII, found other characters: only structured arrays have them".to_owned())
        })?;
        let mut literal = Literal { text, at: 0 };
        let (dtype, fortran_order, shape) =
            literal.header().map_err(|error| error.at(Place::byte(start + literal.at)))?;
        Ok(Header { dtype, fortran_order, shape, length: start + length })
    }
}

/// A Python literal that is being read, limited to the syntax that headers use.
struct Literal<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Literal<'a> {
    /// The dictionary, and nothing after it.
    fn header(&mut self) -> Result<(Dtype, bool, Vec<usize>)> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "a dictionary")?;
        while !self.accept(b'}') {
            let key = self.string()?;
            self.expect(b':', "a colon after a key")?;
            let known = match (key, self.value(key)?) {
                ("descr", Value::Text(code)) => descr.replace(Dtype::parse(code)?).is_none(),
                ("fortran_order", Value::Bool(value)) => fortran_order.replace(value).is_none(),
                ("shape", Value::Tuple(value)) => shape.replace(value).is_none(),
                _ => false,
            };
            if !known {
                return Err(self.wrong(format!(
                    "expected descr, fortran_order and shape, once each: a dtype, a bool and a tuple; found {}",
                    excerpt(key.as_bytes())
                )));
            }
            if !self.accept(b',') {
                self.expect(b'}', "a comma or the end of the dictionary")?;
                break;
            }
        }
        if self.peek().is_some() {
            return Err(self.wrong("expected nothing after the dictionary"));
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok((descr, fortran_order, shape)),
            _ => Err(self.wrong("expected descr, fortran_order and shape, found one of them missing")),
        }
    }

    fn value(&mut self, key: &str) -> Result<Value<'a>> {
        match self.peek() {
            Some(b'\'' | b'"') => Ok(Value::Text(self.string()?)),
            Some(b'(') => Ok(Value::Tuple(self.tuple()?)),
            // numpy writes the dtype of a structured array as a list of its fields.
            Some(b'[') if key == "descr" => {
                Err(self.wrong("expected an array of one number an item, found a structured one, of several fields"))
            }
            _ => match self.word() {
                "True" => Ok(Value::Bool(true)),
                "False" => Ok(Value::Bool(false)),
                word => {
                    Err(self.wrong(format!("expected a text, a bool or a tuple, found {}", excerpt(word.as_bytes()))))
                }
            },
        }
    }

    /// A tuple of integers that are not negative, each perhaps with the L of Python 2.
    fn tuple(&mut self) -> Result<Vec<usize>> {
        let mut lengths = Vec::new();
        self.expect(b'(', "a tuple")?;
        while !self.accept(b')') {
            let word = self.word();
            let digits = word.strip_suffix('L').unwrap_or(word);
            let length = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
            lengths.push(length.ok_or_else(|| {
                self.wrong(format!("expected the length of a dimension, found {}", excerpt(word.as_bytes())))
            })?);
            if lengths.len() > MAX_DIMENSIONS {
                return Err(self.wrong(format!("expected at most {MAX_DIMENSIONS} dimensions")));
            }
            if !self.accept(b',') {
                // Brackets around one number do not make a tuple.
                let of_one = lengths.len() == 1;
                self.expect(b')', "a comma or the end of a tuple")?;
                if of_one {
                    return Err(self.wrong("expected a tuple, found a number in brackets"));
                }
                break;
            }
        }
        Ok(lengths)
    }

    /// A string without escapes.
    fn string(&mut self) -> Result<&'a str> {
        let quote = match self.peek() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return Err(self.wrong("expected a text in quotes")),
        };
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let end = rest.bytes().position(|byte| byte == quote || byte == b'\\');
        match end.and_then(|end| Some((rest.get(..end)?, rest.as_bytes().get(end)? == &quote))) {
            Some((text, true)) => {
                self.at += text.len() + 2;
                Ok(text)
            }
            _ => Err(self.wrong("expected the end of a text in quotes, without escapes")),
        }
    }

    /// Any number of letters and digits.
    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
        let length = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<()> {
        match self.accept(byte) {
            true => Ok(()),
            false => Err(self.wrong(format!("expected {what}"))),
        }
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn wrong(&self, message: impl std::fmt::Display) -> Error {
        Error::bad_payload(format!("the header of the array cannot be read: {message}"))
    }
}

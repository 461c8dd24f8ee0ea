//! JSON as a list of tokens, which record only where each value begins and ends.
//!
//! A token takes twelve bytes, and a value at least two in the file. Depth is counted, without recursion.

use std::borrow::Cow;

use byoc_account::{Allowance, LeasedGrowth as _};

use super::error;
use crate::error::{Error, Place, Result};

/// How deep lists and objects may be nested. A node of skops is an object within another, each perhaps in a list.
const MAX_DEPTH: usize = 1024;

/// The longest document.
const MAX_LENGTH: usize = 1 << 30;

#[derive(Clone, Copy)]
struct Token {
    start: u32,
    end: u32,
    /// The index of the token after the whole value.
    next: u32,
}

/// A document.
pub(super) struct Json<'b> {
    text: &'b [u8],
    tokens: Vec<Token>,
}

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) struct At<'j> {
    text: &'j [u8],
    tokens: &'j [Token],
    index: usize,
}

/// What may follow.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    /// A value, or the end of an empty list.
    FirstItem,
    Value,
    /// A key, or the end of an empty object.
    FirstKey,
    Key,
    /// A comma, or the end of the open list or object.
    Comma,
}

impl<'b> Json<'b> {
    /// Reads a document.
    pub(super) fn read(text: &'b [u8], allowance: &Allowance) -> Result<Json<'b>> {
        if text.len() > MAX_LENGTH {
            return Err(error(format!("expected at most {MAX_LENGTH} bytes, found {}", text.len())));
        }
        let mut tokens: Vec<Token> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let (mut at, mut next) = (0, Next::Value);
        loop {
            at += text.iter().skip(at).take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            let wrong = |expected: &str| error(format!("expected {expected}")).at(Place::byte(at));
            let byte = *text.get(at).ok_or_else(|| wrong("more JSON, found the end"))?;
            match (byte, next) {
                (b',', Next::Comma) => {
                    let opener = open.last().map(|index| text[tokens[*index].start as usize]);
                    next = if opener == Some(b'{') { Next::Key } else { Next::Value };
                    at += 1;
                    continue;
                }
                (b']' | b'}', Next::Comma | Next::FirstItem | Next::FirstKey) => {
                    let index = open.pop().ok_or_else(|| wrong("a value"))?;
                    let count = tokens.len() as u32;
                    let token = &mut tokens[index];
                    if text[token.start as usize] != byte - 2 {
                        return Err(wrong("the end of what was opened last"));
                    }
                    (token.end, token.next) = (at as u32 + 1, count);
                    at += 1;
                }
                (b'"', Next::Key | Next::FirstKey) => {
                    let end = string(text, at).ok_or_else(|| wrong("the end of a text"))?;
                    push(&mut tokens, at, end, allowance)?;
                    at = end + text.iter().skip(end).take_while(|byte| byte.is_ascii_whitespace()).count();
                    if text.get(at) != Some(&b':') {
                        return Err(error("expected a colon").at(Place::byte(at)));
                    }
                    at += 1;
                    next = Next::Value;
                    continue;
                }
                (b'{' | b'[', Next::Value | Next::FirstItem) => {
                    if open.len() >= MAX_DEPTH {
                        return Err(wrong(&format!("values nested at most {MAX_DEPTH} deep")));
                    }
                    open.push(tokens.len());
                    push(&mut tokens, at, at, allowance)?;
                    next = if byte == b'{' { Next::FirstKey } else { Next::FirstItem };
                    at += 1;
                    continue;
                }
                (_, Next::Value | Next::FirstItem) => {
                    let end = if byte == b'"' { string(text, at) } else { literal(text, at) };
                    let end = end.ok_or_else(|| wrong("a value"))?;
                    push(&mut tokens, at, end, allowance)?;
                    at = end;
                }
                _ => return Err(wrong("a comma, a key or an end")),
            }
            next = Next::Comma;
            if open.is_empty() {
                break;
            }
        }
        if let Some(behind) = text.iter().skip(at).position(|byte| !byte.is_ascii_whitespace()) {
            return Err(error("expected nothing behind the document").at(Place::byte(at + behind)));
        }
        Ok(Json { text, tokens })
    }

    pub(super) fn root(&self) -> At<'_> {
        At { text: self.text, tokens: &self.tokens, index: 0 }
    }

    /// Drops the document and gives its memory back.
    pub(super) fn done(self, allowance: &Allowance) {
        allowance.give_back_items::<Token>(self.tokens.capacity());
    }
}

fn push(tokens: &mut Vec<Token>, start: usize, end: usize, allowance: &Allowance) -> Result<()> {
    if tokens.len() == tokens.capacity() {
        tokens.reserve_leased(1, allowance)?;
    }
    let next = tokens.len() as u32 + 1;
    tokens.push(Token { start: start as u32, end: end as u32, next });
    Ok(())
}

/// The end of the string that begins at a quote.
fn string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The end of a number or a word.
fn literal(text: &[u8], start: usize) -> Option<usize> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = text.iter().skip(start).take_while(is_part).count();
    (length > 0).then_some(start + length)
}

impl<'j> At<'j> {
    fn token(self) -> Token {
        self.tokens[self.index]
    }

    fn bytes(self) -> &'j [u8] {
        let Token { start, end, .. } = self.token();
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The length of the value in the document, in bytes.
    pub(super) fn len(self) -> usize {
        self.bytes().len()
    }

    fn first_byte(self) -> u8 {
        self.bytes().first().copied().unwrap_or_default()
    }

    /// The values in a list or an object, including keys.
    fn inner(self) -> impl Iterator<Item = At<'j>> {
        let end = self.token().next as usize;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let at = At { index, ..self };
            (index < end).then(|| index = at.token().next as usize).map(|()| at)
        })
    }

    /// The items of a list.
    pub(super) fn items(self) -> Option<impl Iterator<Item = At<'j>>> {
        (self.first_byte() == b'[').then(|| self.inner())
    }

    /// The keys and values of an object.
    pub(super) fn entries(self) -> Option<impl Iterator<Item = (At<'j>, At<'j>)>> {
        let mut inner = (self.first_byte() == b'{').then(|| self.inner())?;
        Some(std::iter::from_fn(move || Some((inner.next()?, inner.next()?))))
    }

    /// The value of a key of an object; the last one if the key is there twice, as in Python.
    pub(super) fn get(self, key: &str) -> Option<At<'j>> {
        let is_key = |at: &At<'_>| at.bytes().get(1..at.len() - 1) == Some(key.as_bytes());
        self.entries()?.filter(|(name, _)| is_key(name)).last().map(|(_, value)| value)
    }

    /// A text.
    pub(super) fn text(self) -> Result<Cow<'j, str>> {
        let bytes = self.bytes();
        let Some(plain) = bytes.strip_prefix(b"\"").and_then(|bytes| bytes.strip_suffix(b"\"")) else {
            return Err(self.wrong("a text"));
        };
        if plain.contains(&b'\\') {
            let text: String = serde_json::from_slice(bytes).map_err(|_| self.wrong("a text of Unicode"))?;
            return Ok(Cow::Owned(text));
        }
        std::str::from_utf8(plain).map(Cow::Borrowed).map_err(|_| self.wrong("a text of Unicode"))
    }

    /// A number or a word, as written.
    pub(super) fn literal(self) -> Option<&'j str> {
        let is_literal = !matches!(self.first_byte(), b'"' | b'[' | b'{');
        if is_literal { std::str::from_utf8(self.bytes()).ok() } else { None }
    }

    /// An error about this value.
    pub(super) fn wrong(self, expected: impl std::fmt::Display) -> Error {
        error(format!("expected {expected}")).at(Place::byte(self.token().start as usize))
    }
}

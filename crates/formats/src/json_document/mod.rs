//! The text of a JSON document that a person writes, as a type; and what is wrong with it, in the words of the document:
//! the path, what is expected there, and what was found.

//!
//! A document is read into a tree first, and the types from that: serde's code for a type is made again for each source that
//! it is read from, and documents have some eighty types. So they have one source, and the path is kept by it, not by a layer
//! of its own around it.

mod mistyped;
mod node;
mod size;

pub use mistyped::{Mistyped, Step};
pub use node::Node;
pub use size::Size;

use crate::error::{Cause, Error, Result};
use crate::suggest;
use byoc_account::Allowance;
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::fmt::{self, Display as _, Write as _};
use std::marker::PhantomData;

/// What an editor on Windows may put before the text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The longest text that a document of any size may hold. Nobody names a column by more, and what is wrong with a document is
/// said with the text that was found.
const LONGEST_TEXT: usize = 1 << 20;

/// How much of a value a message shows.
const LONGEST_SHOWN: usize = 60;

/// Reads an object; `expected` is what it should be, for messages.
///
/// # Errors
/// With the cause, for what is no JSON, with line and column, and for what is no such object, with the path.
pub fn parse<T: DeserializeOwned>(json: &[u8], expected: &'static str, cause: Cause) -> Result<T> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let wrong = |message: String| Error::new(cause, message);
    let document: Node = serde_json::from_slice(json).map_err(|error| wrong(no_json(json, &error, expected)))?;
    Object::new(expected).deserialize(&document).map_err(|error| {
        let message = in_words(error.message(), document.at(&error.path()));
        wrong(match error.place() {
            None => message,
            Some(place) => format!("{place}: {message}"),
        })
    })
}

/// The same for a document that may be of any size: the tree that it becomes on its way is leased before it is made, and given
/// back. What is read from the tree is taken, and left to the caller: [`Size::typed`] says how much it is.
///
/// # Errors
/// As [`parse`], and when there is no memory for it.
pub fn parse_within<T: DeserializeOwned>(
    json: &[u8],
    expected: &'static str,
    cause: Cause,
    allowance: &Allowance,
) -> Result<T> {
    let size = Size::of(json);
    if size.longest_text > LONGEST_TEXT {
        let found = size.longest_text;
        return Err(Error::new(
            cause,
            format!("found a text of {found} bytes: expected none of more than {LONGEST_TEXT}"),
        ));
    }
    allowance.take(size.typed)?;
    // The tree has grown when the first value is read from it.
    let _held = allowance.hold(size.tree.saturating_add(size.growth.saturating_sub(size.typed)))?;
    parse(json, expected, cause)
}

/// An object as the value of a type; an array is none, which serde takes for one too.
pub struct Object<T> {
    expected: &'static str,
    object: PhantomData<T>,
}

impl<T> Object<T> {
    /// `expected` is what the object should be, for messages.
    pub fn new(expected: &'static str) -> Object<T> {
        Object { expected, object: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
    }
}

/// How the words of an enumeration are read.
#[macro_export]
macro_rules! read_as_word {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                $crate::json_document::word(deserializer, &[$(($word, $name::$variant)),*])
            }
        }
    };
}

/// One of a few words, each standing for a value.
pub fn word<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    words: &'static [(&'static str, T)],
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Word(words))
}

struct Word<T: 'static>(&'static [(&'static str, T)]);

impl<T: Copy> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Words(self.0).fmt(f)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let found = self.0.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            match suggest::nearest(text, self.0.iter().map(|(word, _)| *word)) {
                Some(near) => {
                    E::custom(format_args!("did you mean {near:?}? expected {}, found {text:?}", Words(self.0)))
                }
                None => E::invalid_value(serde::de::Unexpected::Str(text), &self),
            }
        })
    }
}

/// The words themselves, `"a", "b" or "c"`.
struct Words<T: 'static>(&'static [(&'static str, T)]);

impl<T> fmt::Display for Words<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (word, _)) in self.0.iter().enumerate() {
            let before = match at {
                0 => "",
                at if at + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}{word:?}")?;
        }
        Ok(())
    }
}

/// What is said of text that is no JSON.
fn no_json(json: &[u8], error: &serde_json::Error, expected: &str) -> String {
    if json.trim_ascii().is_empty() {
        return format!("expected {expected}, found an empty text");
    }
    let place = format!("line {}, column {}", error.line(), error.column());
    match word_at(json, error.line(), error.column()).as_str() {
        word if is_no_number(word) => {
            format!("{place}: found {word}, which JSON does not have: expected it in quotes, {}", quoted(word))
        }
        word @ ("True" | "False" | "None") => {
            let json = if word == "None" { "null".to_owned() } else { word.to_lowercase() };
            format!("{place}: found {word}, which is Python's: expected {json}")
        }
        _ => match without_line(error).as_str() {
            "number out of range" => {
                format!("{place}: found a number that float64 cannot hold: expected one below 1.8e308")
            }
            "recursion limit exceeded" => {
                format!("{place}: found lists and objects within each other, 128 deep: expected {expected}")
            }
            why => format!("{place}: this is no JSON ({why}): expected {expected}"),
        },
    }
}

fn is_no_number(word: &str) -> bool {
    matches!(word.trim_start_matches(['-', '+']).to_ascii_lowercase().as_str(), "nan" | "inf" | "infinity")
}

/// How a document writes what is no number in JSON.
fn quoted(word: &str) -> &'static str {
    match (word.to_ascii_lowercase().ends_with("nan"), word.starts_with('-')) {
        (true, _) => "\"NaN\"",
        (false, false) => "\"Infinity\"",
        (false, true) => "\"-Infinity\"",
    }
}

/// The word around a place: letters, and a sign before them.
fn word_at(json: &[u8], line: usize, column: usize) -> String {
    let line = json.split(|byte| *byte == b'\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+');
    let at = column.saturating_sub(1).min(line.len());
    let (before, after) = line.split_at(at);
    let start = before.iter().rposition(|byte| !is_of_word(byte)).map_or(0, |position| position + 1);
    let length = after.iter().position(|byte| !is_of_word(byte)).unwrap_or(after.len());
    String::from_utf8_lossy(line.get(start..at + length).unwrap_or_default()).into_owned()
}

/// A message of serde_json's without its end, " at line 1 column 2".
fn without_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) if error.line() > 0 => message.get(..end).unwrap_or_default().to_owned(),
        _ => message,
    }
}

/// A message of serde's, `invalid type: string "yes", expected a boolean`, as one of ours.
fn in_words(message: &str, found: Option<&Node>) -> String {
    let found = found.map(show);
    if let Some((head, expected)) = message.split_once(", expected ")
        && let Some(said) = head.strip_prefix("invalid ")
    {
        let said = said.split_once(": ").map_or(said, |(_, said)| said);
        let found = found.unwrap_or_else(|| said.to_owned());
        return format!("expected {}, found {found}", plain(expected));
    }
    // An alternative that none of its forms fits.
    match found {
        Some(found) if message.starts_with("expected ") && !message.contains(", found ") => {
            format!("{message}, found {found}")
        }
        _ => message.to_owned(),
    }
}

/// What serde calls a type, in JSON's terms.
fn plain(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a map" => "an object",
        "a sequence" => "a list",
        "a string" => "text",
        "f64" => "a number",
        "i64" => "an integer",
        "u64" | "usize" => "an integer of at least 0",
        other => other,
    }
}

/// A value as a message shows it.
fn show(value: &Node) -> String {
    let mut text = Shown(String::new());
    if write!(text, "{value}").is_ok() {
        return text.0;
    }
    match value {
        Node::List(items) => format!("a list of {}", items.len()),
        Node::Object(_) => "an object".to_owned(),
        _ => format!("{}…", text.0.chars().take(LONGEST_SHOWN).collect::<String>()),
    }
}

/// Text that writes no further than a message shows: the value may have a million items.
struct Shown(String);

impl fmt::Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.chars().count() <= LONGEST_SHOWN { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        #[expect(dead_code, reason = "only read into")]
        numbers: Vec<f64>,
        #[expect(dead_code, reason = "only read into")]
        is_set: Option<bool>,
    }

    fn message(json: &str) -> String {
        parse::<Written>(json.as_bytes(), "an object such as {}", Cause::BadSetting).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said_by_path_with_what_was_found_and_what_was_expected() {
        let deep = "[".repeat(200);
        let long = format!(r#"{{"numbers": ["{}"]}}"#, "x".repeat(100));
        for (json, expected) in [
            ("[]", "expected an object such as {}, found []"),
            ("7", "expected an object such as {}, found 7"),
            ("", "expected an object such as {}, found an empty text"),
            ("{bad", "line 1, column 2: this is no JSON (key must be a string): expected an object such as {}"),
            (r#"{"numbers": []} x"#, "line 1, column 17: this is no JSON (trailing characters)"),
            (
                "{\n\"numbers\": [1, NaN]}",
                "line 2, column 16: found NaN, which JSON does not have: expected it in quotes, \"NaN\"",
            ),
            (
                r#"{"numbers": [-Infinity]}"#,
                "found -Infinity, which JSON does not have: expected it in quotes, \"-Infinity\"",
            ),
            (
                r#"{"numbers": [1e999]}"#,
                "line 1, column 18: found a number that float64 cannot hold: expected one below 1.8e308",
            ),
            (
                &deep,
                "line 1, column 128: found lists and objects within each other, 128 deep: expected an object such as {}",
            ),
            (r#"{"numbers": [nan]}"#, "found nan, which JSON does not have: expected it in quotes, \"NaN\""),
            (r#"{"numbers": [], "is_set": True}"#, "found True, which is Python's: expected true"),
            (r#"{"numbers": [1, "x"]}"#, "numbers[1]: expected a number, found \"x\""),
            (r#"{"numbers": {"a": 1}}"#, "numbers: expected a list, found {\"a\":1}"),
            (r#"{"numbers": [], "is_set": 1}"#, "is_set: expected true or false, found 1"),
            (r#"{"is_set": true}"#, "missing field `numbers`"),
            (
                r#"{"numbers": [], "isset": true}"#,
                "isset: unknown field `isset`: did you mean `is_set`? expected `numbers` or `is_set`",
            ),
            (r#"{"numbers": [], "colour": true}"#, "colour: unknown field `colour`, expected `numbers` or `is_set`"),
            (&long, "numbers[0]: expected a number, found \"xxxxxxxx"),
        ] {
            assert!(
                message(json).starts_with(expected) || message(json).contains(expected),
                "{json}: {}",
                message(json)
            );
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let json = "\u{feff}{\"numbers\": [1]}";
        parse::<Written>(json.as_bytes(), "an object", Cause::BadSetting).unwrap();
    }
}

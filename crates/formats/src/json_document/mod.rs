//! JSON documents that people write, read into types; and what is wrong with one: the path, what was expected there,
//! and what was found.
//!
//! serde_path_to_error keeps the path. The rest comes from [`Mistake`], since serde_json's error has only text.

mod deserializer;
mod mistake;
mod size;

pub use mistake::Mistake;
pub use serde_path_to_error::{Path, Segment};
pub use size::Size;

use crate::error::{Cause, Error, Result};
use crate::json_syntax::{self, NotJson};
use crate::suggest;
use byoc_account::Allowance;
use deserializer::{Slot, Structured};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Display as _};
use std::marker::PhantomData;

/// The byte order mark that editors on Windows may write before the text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The longest text in a document of any size. No name of a column is longer, and an error about a document quotes its
/// text.
const MAX_TEXT_LENGTH: usize = 1 << 20;

/// The first value of a document that is not of its type.
#[derive(Debug)]
pub struct Mistyped {
    /// The way to the value.
    pub path: Path,
    /// What is wrong with it.
    pub mistake: Mistake,
}

impl fmt::Display for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.iter().next().is_some() {
            write!(f, "{}: ", self.path)?;
        }
        self.mistake.fmt(f)
    }
}

/// Reads a value of a type from a deserializer of serde_json's, such as a [`serde_json::Value`].
///
/// # Errors
/// The first value that is not of its type.
pub fn read<'de, T: Deserialize<'de>>(deserializer: impl Deserializer<'de>) -> Result<T, Mistyped> {
    read_seed(PhantomData, deserializer)
}

fn read_seed<'de, S: DeserializeSeed<'de>>(seed: S, inner: impl Deserializer<'de>) -> Result<S::Value, Mistyped> {
    let (slot, mut track) = (Slot::default(), serde_path_to_error::Track::new());
    let structured = Structured { inner, slot: &slot };
    seed.deserialize(serde_path_to_error::Deserializer::new(structured, &mut track))
        .map_err(|mistake| Mistyped { path: track.path(), mistake })
}

/// Reads an object; `expected` describes it in messages.
///
/// # Errors
/// With the cause: for text that is not JSON, with line and column, and for a value of another type, with its path.
pub fn parse<T: DeserializeOwned>(json: &[u8], expected: &'static str, cause: Cause) -> Result<T> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let wrong = |error: &serde_json::Error| Error::new(cause, not_json(json, error, expected));
    match read_seed(Object::new(expected), &mut deserializer) {
        Ok(value) => deserializer.end().map(|()| value).map_err(|error| wrong(&error)),
        // Text that is not JSON comes first, wherever it is.
        Err(mistyped) => {
            check_json(json).map_err(|error| wrong(&error))?;
            Err(Error::new(cause, mistyped.to_string()))
        }
    }
}

/// Reads an object of any size. The memory of what is read is taken from the allowance and left to the caller
/// ([`Size::typed`] says how much it is); the memory of lists that grow while they are read is given back.
///
/// # Errors
/// As [`parse`], and when the allowance has no memory for it.
pub fn parse_within<T: DeserializeOwned>(
    json: &[u8],
    expected: &'static str,
    cause: Cause,
    allowance: &Allowance,
) -> Result<T> {
    let size = Size::of(json);
    if size.longest_text > MAX_TEXT_LENGTH {
        let found = size.longest_text;
        return Err(Error::new(cause, format!("found a string of {found} bytes: expected at most {MAX_TEXT_LENGTH}")));
    }
    allowance.take(size.typed)?;
    let _held = allowance.hold(size.growth)?;
    parse(json, expected, cause)
}

/// Reads a text to its end as JSON, and nothing but JSON.
fn check_json(json: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<AnyJson>(json).map(|AnyJson| ())
}

/// Any JSON value, all of whose parts are read.
struct AnyJson;

impl<'de> Deserialize<'de> for AnyJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AnyJson, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

impl<'de> Visitor<'de> for AnyJson {
    type Value = AnyJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_bool<E>(self, _: bool) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_i64<E>(self, _: i64) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_u64<E>(self, _: u64) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_f64<E>(self, _: f64) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_str<E>(self, _: &str) -> Result<AnyJson, E> {
        Ok(AnyJson)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AnyJson, A::Error> {
        while list.next_element::<AnyJson>()?.is_some() {}
        Ok(AnyJson)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyJson, A::Error> {
        while map.next_entry::<IgnoredAny, AnyJson>()?.is_some() {}
        Ok(AnyJson)
    }
}

/// A seed that reads a type from an object only: serde also reads a struct from an array.
pub struct Object<T> {
    expected: &'static str,
    object: PhantomData<T>,
}

impl<T> Object<T> {
    /// `expected` describes the object in messages.
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

/// Implements `Deserialize` for an enum of words.
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

/// The message for text that is not JSON.
fn not_json(json: &[u8], error: &serde_json::Error, expected: &str) -> String {
    if json.trim_ascii().is_empty() {
        return format!("expected {expected}, found an empty text");
    }
    let place = format!("line {}, column {}", error.line(), error.column());
    match json_syntax::not_json(json, error) {
        NotJson::NotANumber(word) => {
            format!("{place}: found {word}, which JSON does not have: expected it in quotes, {}", quoted(word))
        }
        NotJson::Python(word) => {
            let json = if word == "None" { "null".to_owned() } else { word.to_lowercase() };
            format!("{place}: found {word}, which is Python syntax: expected {json}")
        }
        NotJson::NumberTooLarge => {
            format!("{place}: found a number that float64 cannot hold: expected one below 1.8e308")
        }
        NotJson::TooDeep => {
            format!("{place}: found lists and objects nested 128 deep: expected {expected}")
        }
        why @ NotJson::Other { .. } => format!("{place}: this is not JSON ({why}): expected {expected}"),
    }
}

/// How a document spells a float that JSON does not have.
fn quoted(word: &str) -> &'static str {
    match (word.to_ascii_lowercase().ends_with("nan"), word.starts_with('-')) {
        (true, _) => "\"NaN\"",
        (false, false) => "\"Infinity\"",
        (false, true) => "\"-Infinity\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

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
    fn a_problem_is_reported_with_its_path_the_expected_and_the_found_value() {
        let deep = "[".repeat(200);
        let long = format!(r#"{{"numbers": ["{}"]}}"#, "x".repeat(100));
        for (json, expected) in [
            ("[]", "expected an object such as {}, found a list"),
            ("7", "expected an object such as {}, found 7"),
            ("", "expected an object such as {}, found an empty text"),
            (
                "{bad",
                "line 1, column 2: this is not JSON (expected a name in quotes or }, found \"bad\"): expected an \
                 object such as {}",
            ),
            (
                r#"{"numbers": []} x"#,
                "line 1, column 17: this is not JSON (expected the end of the text, found \"x\"): expected an object \
                 such as {}",
            ),
            (
                "{\n\"numbers\": [1, NaN]}",
                "line 2, column 16: found NaN, which JSON does not have: expected it in quotes, \"NaN\"",
            ),
            (
                r#"{"numbers": [-Infinity]}"#,
                "line 1, column 15: found -Infinity, which JSON does not have: expected it in quotes, \"-Infinity\"",
            ),
            (
                r#"{"numbers": [1e999]}"#,
                "line 1, column 18: found a number that float64 cannot hold: expected one below 1.8e308",
            ),
            (
                &deep,
                "line 1, column 128: found lists and objects nested 128 deep: expected an object such as \
                 {}",
            ),
            (
                r#"{"numbers": [nan]}"#,
                "line 1, column 15: found nan, which JSON does not have: expected it in quotes, \"NaN\"",
            ),
            (
                r#"{"numbers": [], "is_set": True}"#,
                "line 1, column 27: found True, which is Python syntax: expected true",
            ),
            (r#"{"numbers": [1, "x"]}"#, "numbers[1]: expected a number, found \"x\""),
            (r#"{"numbers": {"a": 1}}"#, "numbers: expected a list, found an object"),
            (r#"{"numbers": [], "is_set": 1}"#, "is_set: expected true or false, found 1"),
            (r#"{"is_set": true}"#, "missing field `numbers`"),
            (
                r#"{"numbers": [], "isset": true}"#,
                "isset: unknown field `isset`: did you mean `is_set`? expected `numbers` or `is_set`",
            ),
            (r#"{"numbers": [], "colour": true}"#, "colour: unknown field `colour`, expected `numbers` or `is_set`"),
            (&long, &format!("numbers[0]: expected a number, found \"{}…", "x".repeat(59))),
        ] {
            assert_eq!(message(json), expected, "{json}");
        }
    }

    #[test]
    fn the_place_of_text_that_is_not_json_is_that_of_its_first_wrong_byte() {
        for (before, line, column) in
            [("{\"numbers\": [1,", 1, 16), ("{\n\n  \"numbers\":\r\n[1,\n", 5, 1), ("{\"é\": ", 1, 8)]
        {
            let found = message(&format!("{before}?"));
            let expected = format!("line {line}, column {column}: this is not JSON (expected a value, found \"?\"): ");
            assert!(found.starts_with(&expected), "{before}: {found}");
        }
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8 },
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Width(u8);

    fn typed<T: DeserializeOwned>(json: &str) -> Result<T, String> {
        read(&mut serde_json::Deserializer::from_str(json)).map_err(|mistyped: Mistyped| mistyped.to_string())
    }

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        for json in
            [r#"["point", {"circle": 1.5}, {"line": [1, -2]}, {"box": {"width": 7}}]"#, r#"[{"point": null}]"#, "[]"]
        {
            assert_eq!(typed::<Vec<Shape>>(json).unwrap(), serde_json::from_str::<Vec<Shape>>(json).unwrap());
        }
        type Mixed = (Option<bool>, Option<Width>, f64, BTreeMap<String, i64>, String);
        for json in [r#"[null, 7, 1, {"a": -1}, "x"]"#, r#"[true, null, 0.5, {}, "\u00e9"]"#] {
            assert_eq!(typed::<Mixed>(json).unwrap(), serde_json::from_str::<Mixed>(json).unwrap());
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_reported_by_its_path() {
        let fails = |json: &str| typed::<BTreeMap<String, Vec<Shape>>>(json).unwrap_err();
        assert_eq!(fails("7"), "expected an object, found 7");
        assert_eq!(fails(r#"{"a": 7}"#), "a: expected a list, found 7");
        assert_eq!(fails(r#"{"a": ["star"]}"#), "a[0]: expected point, circle, line or box, found \"star\"");
        assert_eq!(
            fails(r#"{"a": ["point", "lines"]}"#),
            "a[1]: did you mean line? expected point, circle, line or box, found \"lines\""
        );
        assert_eq!(fails(r#"{"a": [{"circle": "x"}]}"#), "a[0].circle: expected a number, found \"x\"");
        assert_eq!(
            fails(r#"{"a": [{"box": {"width": 300}}]}"#),
            "a[0].box.width: expected an integer from 0 to 255, found 300"
        );
        assert_eq!(fails(r#"{"a": [[]]}"#), "a[0]: expected point, circle, line or box, found a list");
        assert_eq!(typed::<(u8, u8)>("[1, 2, 3]").unwrap_err(), "expected fewer items");
    }

    #[test]
    fn a_duplicate_member_is_detected() {
        assert_eq!(typed::<Written>(r#"{"numbers": [], "numbers": []}"#).unwrap_err(), "duplicate field `numbers`");
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let json = "\u{feff}{\"numbers\": [1]}";
        parse::<Written>(json.as_bytes(), "an object", Cause::BadSetting).unwrap();
    }
}

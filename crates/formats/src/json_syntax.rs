//! Why a text is not JSON, determined by the bytes at the position where serde_json stopped: its errors have a
//! category, a line and a column, and otherwise only text for people.

use crate::excerpt::excerpt;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use std::fmt;
use std::ops::Range;

/// How deep lists and objects may be nested; serde_json refuses more.
const MAX_DEPTH: usize = 128;

/// Why a text is not JSON.
#[derive(Debug, PartialEq)]
pub(crate) enum NotJson<'t> {
    /// A word for a float that JSON does not have, such as `NaN` or `-Infinity`.
    NotANumber(&'t str),
    /// `True`, `False` or `None`.
    Python(&'t str),
    /// A number beyond the largest float64.
    NumberTooLarge,
    /// Lists and objects that are nested deeper than serde_json reads.
    TooDeep,
    /// Anything else.
    Other { expected: &'static str, found: String },
}

impl fmt::Display for NotJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotJson::NotANumber(word) | NotJson::Python(word) => write!(f, "expected a value of JSON, found {word}"),
            NotJson::NumberTooLarge => {
                f.write_str("expected a number below 1.8e308, found one that float64 cannot hold")
            }
            NotJson::TooDeep => {
                write!(f, "expected lists and objects nested less than {MAX_DEPTH} deep, found {MAX_DEPTH}")
            }
            NotJson::Other { expected, found } => write!(f, "expected {expected}, found {found}"),
        }
    }
}

/// Why a text is not JSON and where, for an error of serde_json's about its syntax or its end:
/// `expected JSON: line 1, column 6: expected a value of JSON, found NaN`.
pub fn describe(text: &[u8], error: &serde_json::Error) -> String {
    format!("expected JSON: line {}, column {}: {}", error.line(), error.column(), not_json(text, error))
}

/// Why a text is not JSON, for an error of serde_json's about its syntax or its end.
pub(crate) fn not_json<'t>(text: &'t [u8], error: &serde_json::Error) -> NotJson<'t> {
    let at = match error.classify() {
        Category::Eof => text.len(),
        Category::Syntax | Category::Data | Category::Io => place(text, error).min(text.len()),
    };
    let word = word_at(text, at);
    let shown = text.get(word.clone()).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    let is_scalar = serde_json::from_str::<IgnoredAny>(shown).is_ok();
    if is_scalar && shown.parse().is_ok_and(f64::is_infinite) {
        return NotJson::NumberTooLarge;
    }
    let is_word = !word.is_empty() && (!is_scalar || word.contains(&at));
    let before = Before::read(text.get(..if is_word { word.start } else { at }).unwrap_or_default());
    if let Some(start) = before.text_start {
        return in_text(text.get(start..).unwrap_or_default(), at - start);
    }
    if is_word {
        return match shown {
            "True" | "False" | "None" => NotJson::Python(shown),
            _ if is_not_a_number(shown) => NotJson::NotANumber(shown),
            _ => NotJson::Other { expected: before.expected(), found: excerpt(shown.as_bytes()) },
        };
    }
    let found = match text.get(at) {
        None => "the end of the text".to_owned(),
        Some(b'[' | b'{') if before.depth + 1 == MAX_DEPTH => return NotJson::TooDeep,
        Some(_) => excerpt(text.get(at..).and_then(first_character).unwrap_or_default()),
    };
    NotJson::Other { expected: before.expected(), found }
}

/// An error within a text, whose contents begin after its opening quote.
fn in_text(text: &[u8], at: usize) -> NotJson<'_> {
    let content = text.get(..end_of_text(text).unwrap_or(text.len())).unwrap_or_default();
    let other = |expected, found: &str| NotJson::Other { expected, found: found.to_owned() };
    match text.get(at) {
        None => other("\" at the end of a text in quotes", "the end of the text"),
        Some(b'\n' | b'\r') => other("\" at the end of a text in quotes, or \\n", "a line break"),
        Some(..0x20) => other("an escape such as \\u0007", "a control character in quotes"),
        Some(_) if std::str::from_utf8(content).is_err() => other("text in UTF-8", "bytes that are not UTF-8"),
        Some(_) => other("an escape of JSON such as \\n or \\u00e9", "another one"),
    }
}

/// The byte at which serde_json stopped. Lines and columns count from 1; a line break has column 0 of the next line.
fn place(text: &[u8], error: &serde_json::Error) -> usize {
    let start = match error.line().checked_sub(2) {
        None => 0,
        Some(newline) => memchr::memchr_iter(b'\n', text).nth(newline).map_or(text.len(), |newline| newline + 1),
    };
    (start + error.column()).saturating_sub(1)
}

/// The word or number at a position, or one that ends there.
fn word_at(text: &[u8], at: usize) -> Range<usize> {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_');
    let (before, after) = text.split_at(at);
    let start = before.iter().rposition(|byte| !is_of_word(byte)).map_or(0, |position| position + 1);
    let length = after.iter().position(|byte| !is_of_word(byte)).unwrap_or(after.len());
    start..at + length
}

fn first_character(text: &[u8]) -> Option<&[u8]> {
    let length = (1..=4).find(|length| text.get(..*length).is_some_and(|bytes| std::str::from_utf8(bytes).is_ok()));
    text.get(..length.unwrap_or(1))
}

fn is_not_a_number(word: &str) -> bool {
    matches!(word.trim_start_matches(['-', '+']).to_ascii_lowercase().as_str(), "nan" | "inf" | "infinity")
}

/// The structure before a position, which determines what must follow.
#[derive(Default)]
struct Before {
    /// How many lists and objects are open.
    depth: usize,
    /// The innermost 128 of them, an object as 1; the last bit is the innermost.
    objects: u128,
    /// Where the open text begins.
    text_start: Option<usize>,
    last: Last,
    /// Whether the last text, of an object, is the name of a member.
    is_name: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Last {
    #[default]
    Nothing,
    Opening,
    Comma,
    Colon,
    Value,
}

impl Before {
    fn read(text: &[u8]) -> Before {
        let mut before = Before::default();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    before.is_name = before.is_in_object() && matches!(before.last, Last::Opening | Last::Comma);
                    let Some(end) = text.get(at..).and_then(end_of_text) else {
                        before.text_start = Some(at);
                        return before;
                    };
                    at += end;
                    before.last = Last::Value;
                }
                b'[' | b'{' => {
                    before.depth += 1;
                    before.objects = before.objects << 1 | u128::from(*byte == b'{');
                    before.last = Last::Opening;
                }
                b']' | b'}' => {
                    before.depth = before.depth.saturating_sub(1);
                    before.objects >>= 1;
                    (before.last, before.is_name) = (Last::Value, false);
                }
                b',' => before.last = Last::Comma,
                b':' => before.last = Last::Colon,
                byte if byte.is_ascii_whitespace() => {}
                _ => (before.last, before.is_name) = (Last::Value, false),
            }
        }
        before
    }

    fn is_in_object(&self) -> bool {
        self.depth > 0 && self.objects & 1 == 1
    }

    fn expected(&self) -> &'static str {
        match (self.last, self.is_in_object()) {
            (Last::Nothing | Last::Colon, _) | (Last::Comma, false) => "a value",
            (Last::Opening, false) => "a value or ]",
            (Last::Opening, true) => "a name in quotes or }",
            (Last::Comma, true) => "a name in quotes",
            (Last::Value, true) if self.is_name => "a colon",
            (Last::Value, true) => "a comma or }",
            (Last::Value, false) if self.depth > 0 => "a comma or ]",
            (Last::Value, false) => "the end of the text",
        }
    }
}

/// Where a text ends, after its closing quote.
fn end_of_text(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)? + 1;
        match text.get(at - 1) {
            Some(b'"') => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &[u8]) -> String {
        let error = serde_json::from_slice::<serde_json::Value>(text).unwrap_err();
        not_json(text, &error).to_string()
    }

    #[test]
    fn the_expected_and_the_found_text_are_derived_from_the_bytes() {
        let deep = "[".repeat(200);
        for (text, expected) in [
            ("", "expected a value, found the end of the text"),
            ("index=str", "expected a value, found \"index\""),
            ("[1, x]", "expected a value, found \"x\""),
            ("[1, é]", "expected a value, found \"é\""),
            ("[1 2]", "expected a comma or ], found \"2\""),
            ("[1}", "expected a comma or ], found \"}\""),
            ("[1,]", "expected a value, found \"]\""),
            ("[nul]", "expected a value or ], found \"nul\""),
            ("[01]", "expected a value or ], found \"01\""),
            ("[1.]", "expected a value or ], found \"1.\""),
            ("[1", "expected a comma or ], found the end of the text"),
            ("[tru", "expected a value or ], found \"tru\""),
            ("{bad", "expected a name in quotes or }, found \"bad\""),
            ("{\"a\": 1, }", "expected a name in quotes, found \"}\""),
            ("{\"a\" 1}", "expected a colon, found \"1\""),
            ("{\"a\": [{}] \"b\"", "expected a comma or }, found \"\\\"\""),
            ("{} x", "expected the end of the text, found \"x\""),
            ("\"a", "expected \" at the end of a text in quotes, found the end of the text"),
            ("[\"a\nb\"]", "expected \" at the end of a text in quotes, or \\n, found a line break"),
            ("[\"\u{7}\"]", "expected an escape such as \\u0007, found a control character in quotes"),
            (r#"["\"\x"]"#, "expected an escape of JSON such as \\n or \\u00e9, found another one"),
            (r#"["\ud800"]"#, "expected an escape of JSON such as \\n or \\u00e9, found another one"),
            ("[NaN]", "expected a value of JSON, found NaN"),
            ("[-Infinity]", "expected a value of JSON, found -Infinity"),
            ("[\n1, None]", "expected a value of JSON, found None"),
            ("[-1.5e999]", "expected a number below 1.8e308, found one that float64 cannot hold"),
            ("[1e99999999999]", "expected a number below 1.8e308, found one that float64 cannot hold"),
            (&deep, "expected lists and objects nested less than 128 deep, found 128"),
        ] {
            assert_eq!(reason(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(reason(b"[\"\xFF\"]"), "expected text in UTF-8, found bytes that are not UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_reason(text in "[\\[\\]{}\",:\\\\ \nux1.eNa-]{0,40}") {
            if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
                proptest::prop_assert!(not_json(text.as_bytes(), &error).to_string().contains("found"));
            }
        }
    }
}

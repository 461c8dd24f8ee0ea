//! `NaN`, `Infinity` and `-Infinity`: what Python's `json.dumps` writes for floats that JSON does not have, and what
//! its `json.loads` takes (docs.python.org/3/library/json.html, "Infinite and NaN Number Values"). Our own answers have
//! them, too, and may be the next container's request.
//!
//! serde_json has no such option. A body with such a word is copied with a string of the same length in its place, so
//! that every other byte stays where it was; the original body tells which strings are words.

use byoc_account::{Allowance, Exceeded};
use memchr::memmem;

/// A body with words, as serde_json can read it.
pub(crate) struct Words<'b> {
    body: &'b [u8],
    text: Vec<u8>,
}

const WORDS: [(&[u8], &[u8], f64); 3] = [
    (b"NaN", b"\"N\"", f64::NAN),
    (b"Infinity", b"\"Infini\"", f64::INFINITY),
    (b"-Infinity", b"\"-Infini\"", f64::NEG_INFINITY),
];

impl<'b> Words<'b> {
    /// The words of a body; `None` where it has none, as nearly every body.
    ///
    /// # Errors
    /// When the allowance has no memory for the copy.
    pub(crate) fn find(body: &'b [u8], allowance: &Allowance) -> Result<Option<Words<'b>>, Exceeded> {
        if memmem::find(body, b"NaN").is_none() && memmem::find(body, b"Infinity").is_none() {
            return Ok(None);
        }
        let mut text = Vec::new();
        let mut at = 0;
        while let Some(byte) = body.get(at) {
            let rest = body.get(at..).unwrap_or_default();
            let word = WORDS.iter().find(|(word, _, _)| rest.starts_with(word) && !is_name(rest, word.len()));
            match (byte, word) {
                (b'"', _) => at += string(rest),
                (_, Some((word, instead, _))) => {
                    if text.is_empty() {
                        allowance.take(body.len())?;
                        text = body.to_vec();
                    }
                    let end = at + word.len();
                    if let Some(place) = text.get_mut(at..end) {
                        place.copy_from_slice(instead);
                    }
                    at = end;
                }
                _ => at += 1,
            }
        }
        Ok((!text.is_empty()).then_some(Words { body, text }))
    }

    /// The body with strings in place of its words.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The float that a string of [`Words::text`] replaces; `None` for a string of the body itself.
    pub(super) fn float(&self, string: &str) -> Option<f64> {
        let quote = string.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?.checked_sub(1)?;
        let word = self.body.get(quote..)?;
        WORDS.iter().find(|(spelling, _, _)| word.starts_with(spelling)).map(|(_, _, float)| *float)
    }
}

/// The length of the string that a text begins with, its quotes included.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return text.len(),
            Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
            Some(found) => at += found + 2,
        }
    }
}

/// Whether the word of this length at the start of a text is in the position of a member's name, which must be a
/// string.
fn is_name(text: &[u8], length: usize) -> bool {
    text.get(length..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(body: &str) -> Option<String> {
        let words = Words::find(body.as_bytes(), &Allowance::unbounded()).unwrap()?;
        Some(String::from_utf8(words.text().to_vec()).unwrap())
    }

    #[test]
    fn words_outside_strings_are_replaced_without_moving_other_bytes() {
        let body = r#"[NaN, -Infinity,Infinity, "NaN", "\"NaN", "\\", NaN]"#;
        let expected = r#"["N", "-Infini","Infini", "NaN", "\"NaN", "\\", "N"]"#;
        assert_eq!(replaced(body).as_deref(), Some(expected));
        for none in ["[1, 2]", r#"["NaN", "Infinity\\"]"#, "{NaN : 1}", r#"["NaN"#, r#""NaN\"#, ""] {
            assert_eq!(replaced(none), None, "{none}");
        }
    }

    #[test]
    fn a_string_of_the_body_is_never_taken_for_a_word() {
        let body = r#"["N", NaN, "Infini", -Infinity, Infinity]"#;
        let words = Words::find(body.as_bytes(), &Allowance::unbounded()).unwrap().unwrap();
        let strings: Vec<&str> = serde_json::from_slice(words.text()).unwrap();
        let floats: Vec<_> =
            strings.into_iter().map(|string| words.float(string).map(|float| float.to_string())).collect();
        assert_eq!(floats, [None, Some("NaN".into()), None, Some("-inf".into()), Some("inf".into())]);
        assert_eq!(words.float("N"), None);
    }
}

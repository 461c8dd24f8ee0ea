//! Makes untrusted text safe for a log or a terminal. Names and URLs may contain any character.
//!
//! A carriage return or an escape sequence in a name could overwrite, forge or hide lines of a log on a terminal, and a
//! bidirectional control character could reorder them (CWE-117, CWE-150, CVE-2021-42574). Such characters are written
//! as Rust escapes: `\r`, `\u{1b}`, `\u{202e}`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A text as one log line. Line breaks become ` | `, because CloudWatch makes an event of each line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |line, character| match character {
        '\n' => line.push_str(" | "),
        other => line.extend(other.escape_default()),
    })
}

/// A text for a terminal, which may have several lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |lines, character| match character {
        '\n' => lines.push('\n'),
        other => lines.extend(other.escape_default()),
    })
}

/// A JSON document for a terminal. Control characters can occur only in its strings, so they become JSON escapes. Line
/// breaks occur only between values and stay.
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(document, |text, character| match character {
        '\n' => text.push('\n'),
        // All escaped characters fit in 16 bits, so one JSON escape suffices.
        other => {
            let _ = write!(text, "\\u{:04x}", u32::from(other));
        }
    })
}

/// Writes a JSON document line by line, escaped as by [`json`].
#[derive(Debug)]
pub struct JsonLines<W> {
    line: Vec<u8>,
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// A writer to `out`. The document must end with a line break.
    pub fn new(out: W) -> JsonLines<W> {
        JsonLines { line: Vec::new(), out }
    }
}

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // JSON strings contain no line breaks.
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.out.write_all(json(&String::from_utf8_lossy(&self.line)).as_bytes())?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn escaped(text: &str, mut escape: impl FnMut(&mut String, char)) -> Cow<'_, str> {
    let Some(first) = text.find(is_control) else { return Cow::Borrowed(text) };
    let (plain, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(plain);
    for character in rest.chars() {
        if is_control(character) {
            escape(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal or a log collector would interpret a character rather than show it: control characters (C0, DEL
/// and C1), the line and paragraph separators, and bidirectional controls (unicode.org/reports/tr9, `Bidi_Control`).
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("plain, naïve ☃ 日本 \\n", "plain, naïve ☃ 日本 \\n"),
            ("a\r2026 ERROR forged", "a\\r2026 ERROR forged"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}2Jgone\u{7f}\u{85}", "\\u{9b}2Jgone\\u{7f}\\u{85}"),
            ("a\tb\0", "a\\tb\\u{0}"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("evil\u{202e}gnp.exe\u{2066}\u{200f}", "evil\\u{202e}gnp.exe\\u{2066}\\u{200f}"),
        ] {
            assert_eq!(one_line(text), expected);
            assert_eq!(lines(text), expected);
        }
    }

    #[test]
    fn line_breaks_stay_on_a_terminal_and_not_in_a_log() {
        assert_eq!(one_line("2 settings are wrong:\n  a\n  b"), "2 settings are wrong: |   a |   b");
        assert_eq!(lines("a\n\u{1b}b"), "a\n\\u{1b}b");
    }

    proptest! {
        #[test]
        fn no_control_character_is_left_and_nothing_else_is_changed(text in any::<String>()) {
            prop_assert!(!one_line(&text).contains(is_control));
            let shown = lines(&text);
            prop_assert!(!shown.replace('\n', "").contains(is_control));
            if !text.replace('\n', "").contains(is_control) {
                prop_assert_eq!(&*shown, &text);
            }
        }

        #[test]
        fn an_escaped_json_document_has_the_same_value(
            text in "[a-z\\\\\"\u{0}-\u{1f}\u{7f}-\u{9f}\u{2020}-\u{2070}\u{1f600}]{0,20}",
        ) {
            let value = serde_json::json!({ text.clone(): [text] });
            let document = serde_json::to_string_pretty(&value).unwrap();
            let shown = json(&document);
            prop_assert!(!shown.replace('\n', "").contains(is_control));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value.clone());
            let mut written = Vec::new();
            let mut lines = JsonLines::new(&mut written);
            serde_json::to_writer_pretty(&mut lines, &value).unwrap();
            lines.write_all(b"\n").unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), format!("{shown}\n"));
        }
    }
}

//! The type that pandas infers from a single text, and whether pandas prints the value as the same text.

use crate::numbers::parse::{NotInteger, parse_f64, parse_i64, parse_u64};
use crate::numbers::print::write_f64;

/// The type that pandas reads a text as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// An integer, however large, or a fraction.
    Number,
    /// `True` or `False`, in any case.
    Bool,
    /// Anything else.
    Text,
}

impl TextKind {
    /// The kind of a text.
    pub fn of(text: &str) -> TextKind {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            TextKind::Bool
        } else if parse_f64(text.as_bytes()).is_some() {
            TextKind::Number
        } else {
            TextKind::Text
        }
    }

    /// Whether the value that pandas reads is printed as the same text again: `7`, `1.5` and `True` are, but `007`,
    /// `+49`, `1.50` and `TRUE` are not.
    pub fn round_trips(text: &str) -> bool {
        match TextKind::of(text) {
            TextKind::Text => true,
            TextKind::Bool => matches!(text, "True" | "False"),
            TextKind::Number => match parse_i64(text.as_bytes()) {
                Ok(value) => value.to_string() == text,
                Err(NotInteger::Overflow) => match parse_u64(text.as_bytes()) {
                    Some(Ok(value)) => value.to_string() == text,
                    // pandas keeps it as text.
                    _ => true,
                },
                Err(NotInteger::Invalid) => {
                    let mut written = Vec::new();
                    parse_f64(text.as_bytes()).into_iter().for_each(|value| write_f64(&mut written, value));
                    written == text.as_bytes()
                }
            },
        }
    }
}

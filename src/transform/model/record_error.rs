//! An error that a container reports about a request, and its position in the request.

use serde_json::Value;

use byoc_formats::error::Place;

/// An error in one or more records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::transform) struct RecordError {
    /// The source of the error, such as a container and its status; empty if the job itself found it.
    pub(in crate::transform) by: String,
    /// The position in the request, as far as it is known.
    pub(in crate::transform) place: Place,
    /// What is wrong at that position.
    pub(in crate::transform) message: String,
}

impl RecordError {
    /// An error that the job itself found.
    pub(in crate::transform) fn local(message: String) -> RecordError {
        RecordError { message, ..RecordError::default() }
    }
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.by, &self.place.to_string()] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

/// The members of an error body: multi-model-server's `code`, `type` and `message`, and byoc's `row`, `column` and
/// `byte`.
pub(super) struct ErrorBody {
    message: String,
    row: Option<usize>,
    column: Option<usize>,
    byte: Option<usize>,
}

impl ErrorBody {
    /// Parses an error body. A body in any other format is taken as the message itself.
    pub(super) fn read(body: &[u8]) -> ErrorBody {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let number = |name: &str| document.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok());
        let message = match document.get("message").and_then(Value::as_str) {
            Some(message) => message.to_owned(),
            None => String::from_utf8_lossy(body).trim().to_owned(),
        };
        ErrorBody { message, row: number("row"), column: number("column"), byte: number("byte") }
    }

    /// The place that the body names, and its message without that place. A byoc container's message begins with the
    /// place that the body's members give; any other message is returned unchanged.
    pub(super) fn place(&self) -> (Place, &str) {
        let named = Place { row: self.row, column: self.column, name: None, byte: self.byte };
        match leading_place(&self.message) {
            Some((place, message)) if (Place { name: None, ..place.clone() }) == named => (place, message),
            _ => (named, &self.message),
        }
    }
}

/// Parses a place in the format of [`Place`] at the start of a message; returns it with the rest of the message. Bodies
/// and logs of byoc's containers have the column's name nowhere else, and a log has no members at all.
pub(super) fn leading_place(text: &str) -> Option<(Place, &str)> {
    fn number<'a>(text: &'a str, word: &str) -> Option<(usize, &'a str)> {
        let text = text.strip_prefix(", ").unwrap_or(text).strip_prefix(word)?;
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        Some((digits.parse().ok()?, rest))
    }
    /// Splits before the byte, or before the message if no byte is given.
    fn until_end<'a>(text: &'a str, closing: &str) -> Option<(&'a str, &'a str)> {
        let before_byte = format!("{closing}, byte ");
        let byte = text.match_indices(&before_byte).map(|(at, _)| (at, text.get(at + closing.len()..)));
        let mut byte = byte.filter_map(|(at, rest)| Some((at, rest?)));
        let is_byte = |rest: &str| number(rest, "byte ").is_some_and(|(_, rest)| rest.starts_with(": "));
        let at = byte.find(|(_, rest)| is_byte(rest)).map(|(at, _)| at);
        let at = at.or_else(|| text.find(&format!("{closing}: ")))?;
        Some((text.get(..at)?, text.get(at + closing.len()..)?))
    }
    let (mut place, mut rest) = (Place::default(), text);
    if let Some((row, after)) = number(rest, "row ") {
        (place.row, rest) = (Some(row), after);
    }
    if let Some((column, after)) = number(rest, "column ").filter(|(_, after)| after.starts_with([',', ':', ' '])) {
        (place.column, rest) = (Some(column), after);
        if let Some(named) = rest.strip_prefix(" (") {
            let (name, after) = until_end(named, ")")?;
            (place, rest) = (place.named(name), after);
        }
    } else if let Some(named) = rest.strip_prefix(", ").unwrap_or(rest).strip_prefix("column ") {
        let (name, after) = until_end(named, "")?;
        (place, rest) = (place.named(name), after);
    }
    if let Some((byte, after)) = number(rest, "byte ") {
        (place.byte, rest) = (Some(byte), after);
    }
    let message = rest.strip_prefix(": ")?;
    (place != Place::default()).then_some((place, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_a_container_names_is_removed_from_its_message() {
        let place = |row, column, byte| Place { row, column, name: None, byte };
        for (body, expected, message) in [
            (
                r#"{"message": "row 2, column 2 (SQUARE_FEET), byte 31: could not read \"big\"", "row": 2, "column": 2, "byte": 31}"#,
                place(Some(2), Some(2), Some(31)).named("SQUARE_FEET"),
                "could not read \"big\"",
            ),
            (
                r#"{"message": "row 2, column 2 (a), byte 31: (b), byte 31: x", "row": 2, "column": 2, "byte": 31}"#,
                place(Some(2), Some(2), Some(31)).named("a"),
                "(b), byte 31: x",
            ),
            (
                r#"{"message": "row 2, column 2 (a: b): x: y", "row": 2, "column": 2}"#,
                place(Some(2), Some(2), None).named("a: b"),
                "x: y",
            ),
            (
                r#"{"message": "row 2, column SQUARE_FEET, byte 3: x", "row": 2, "byte": 3}"#,
                place(Some(2), None, Some(3)).named("SQUARE_FEET"),
                "x",
            ),
            (r#"{"message": "row 2: x", "row": 2}"#, place(Some(2), None, None), "x"),
            (r#"{"message": "byte 9: x", "byte": 9}"#, place(None, None, Some(9)), "x"),
            (r#"{"message": "column 3: x", "column": 3}"#, place(None, Some(3), None), "x"),
            (r#"{"message": "row 2, column 12th: x", "row": 2}"#, place(Some(2), None, None).named("12th"), "x"),
            (
                r#"{"message": "row 2, column 3, byte 9: x", "row": 2, "column": 3}"#,
                place(Some(2), Some(3), None),
                "row 2, column 3, byte 9: x",
            ),
            // Messages of other containers stay unchanged.
            (r#"{"message": "row 20: x", "row": 2}"#, place(Some(2), None, None), "row 20: x"),
            (r#"{"message": "bad row", "row": 2, "byte": 7}"#, place(Some(2), None, Some(7)), "bad row"),
            (r#"{"message": "row 2, somewhere: x", "row": 2}"#, place(Some(2), None, None), "row 2, somewhere: x"),
            (r#"{"message": "a: b"}"#, Place::default(), "a: b"),
            (r#"{"message": ""}"#, Place::default(), ""),
            (r#"{"message": "x", "row": "2", "column": "price"}"#, Place::default(), "x"),
            (" what is that\n", Place::default(), "what is that"),
            (r#"["x"]"#, Place::default(), r#"["x"]"#),
        ] {
            assert_eq!(ErrorBody::read(body.as_bytes()).place(), (expected, message));
        }
    }
}

//! Numbers and text as the opcodes of protocols 0 and 1, and of Python 2, write them.

use std::ops::Range;

use super::errors::error;
use super::tree::Node;
use crate::error::Result;

/// The longest integer that is read, in bytes. No attribute of a model needs more than eight.
pub(super) const MAX_INTEGER_LENGTH: usize = 64;

/// The longest number in decimal digits.
pub(super) const MAX_NUMBER_LENGTH: usize = 160;

/// An integer in decimal digits.
pub(super) fn integer(digits: &str) -> Result<Node> {
    if let Ok(value) = digits.parse() {
        return Ok(Node::Int(value));
    }
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(error(format!("expected an integer, found {digits:?}")));
    }
    Ok(Node::BigInt)
}

/// An integer in two's complement, least significant byte first; an empty slice is 0.
pub(super) fn little_endian_integer(bytes: &[u8]) -> Node {
    let fill = if bytes.last().is_some_and(|last| *last >= 0x80) { 0xFF } else { 0 };
    let mut low = [fill; 8];
    for (place, byte) in low.iter_mut().zip(bytes) {
        *place = *byte;
    }
    let value = i64::from_le_bytes(low);
    let rest_is_sign = bytes.iter().skip(8).all(|byte| *byte == fill) && (value < 0) == (fill == 0xFF);
    if rest_is_sign { Node::Int(value) } else { Node::BigInt }
}

/// Text in Python's `raw-unicode-escape`: Latin-1 in which `\u` with four hexadecimal digits, or `\U` with eight,
/// encodes another character.
pub(super) fn raw_unicode_escape(line: &[u8], span: Range<usize>) -> Result<Node> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return Ok(Node::Text(span));
    }
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            text.push(char::from(*first));
            continue;
        }
        let digits = match rest.first() {
            Some(b'u') => 4,
            Some(b'U') => 8,
            Some(other) => {
                text.push('\\');
                text.push(char::from(*other));
                rest = &rest[1..];
                continue;
            }
            None => {
                text.push('\\');
                break;
            }
        };
        let escape = rest.get(1..=digits).and_then(hexadecimal).and_then(char::from_u32);
        text.push(escape.ok_or_else(|| error("an escape in a text is not a Unicode character"))?);
        rest = rest.get(digits + 1..).unwrap_or_default();
    }
    Ok(Node::OwnedText(text.into()))
}

/// A `str` of Python 2, which may be meant as text or as bytes: text if it is ASCII, else bytes.
pub(super) fn python2_string(bytes: &[u8], span: Range<usize>) -> Node {
    if bytes.is_ascii() { Node::Text(span) } else { Node::Bytes(span) }
}

/// The `repr` of a `str` of Python 2: quoted, with backslash escapes.
pub(super) fn python2_literal(line: &[u8], span: Range<usize>) -> Result<Node> {
    let line = line.trim_ascii_end();
    let body = match line {
        [quote @ (b'\'' | b'"'), body @ .., end] if quote == end => body,
        _ => return Err(error("a string is not quoted")),
    };
    if !body.contains(&b'\\') {
        return Ok(python2_string(body, span.start + 1..span.start + 1 + body.len()));
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, length) = match rest.first() {
            Some(quoted @ (b'\\' | b'\'' | b'"')) => (Some(*quoted), 1),
            Some(b'n') => (Some(b'\n'), 1),
            Some(b'r') => (Some(b'\r'), 1),
            Some(b't') => (Some(b'\t'), 1),
            Some(b'x') => (rest.get(1..3).and_then(hexadecimal).and_then(|code| u8::try_from(code).ok()), 3),
            _ => (None, 0),
        };
        bytes.push(byte.ok_or_else(|| error("a string has an escape that Python's repr does not write"))?);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Node::OwnedText(text.into()),
        Ok(text) => Node::OwnedBytes(text.into_bytes().into()),
        Err(bytes) => Node::OwnedBytes(bytes.into_bytes().into()),
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value: u32, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(node: Node, line: &[u8]) -> String {
        match node {
            Node::Text(span) => String::from_utf8(line[span].to_vec()).unwrap(),
            Node::OwnedText(text) => text.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn integers_beyond_64_bits_are_read_as_big_integers() {
        let cases: [(&[u8], Option<i64>); 9] = [
            (&[], Some(0)),
            (&[0xFF], Some(-1)),
            (&[0xFF, 0], Some(255)),
            (&[0, 0x80], Some(-32768)),
            (&[0xFF; 8], Some(-1)),
            (&[0, 0, 0, 0, 0, 0, 0, 0x80], Some(i64::MIN)),
            (&[0, 0, 0, 0, 0, 0, 0, 0x80, 0], None),
            (&[0xFF; 20], Some(-1)),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 1], None),
        ];
        for (bytes, expected) in cases {
            match (little_endian_integer(bytes), expected) {
                (Node::Int(value), Some(expected)) => assert_eq!(value, expected, "{bytes:?}"),
                (Node::BigInt, None) => {}
                (node, _) => panic!("{bytes:?}: {node:?}"),
            }
        }
        assert!(matches!(integer("-9223372036854775808"), Ok(Node::Int(i64::MIN))));
        assert!(matches!(integer("9223372036854775808"), Ok(Node::BigInt)));
        for wrong in ["", "-", "1_0", "0x1", "1.0", " 1"] {
            assert!(integer(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn raw_unicode_escapes_read_as_python_reads_them() {
        for (line, expected) in [
            (&b"plain"[..], "plain"),
            (b"caf\xe9", "café"),
            (b"\\u20ac \\U0001f600", "€ 😀"),
            (b"a\\u005cb", "a\\b"),
            (b"\\\\u0041", "\\\\u0041"),
            (b"\\n", "\\n"),
            (b"end\\", "end\\"),
        ] {
            let node = raw_unicode_escape(line, 0..line.len()).unwrap();
            assert_eq!(text_of(node, line), expected, "{line:?}");
        }
        for wrong in [&b"\\u12"[..], b"\\uzzzz", b"\\ud800", b"\\U00110000"] {
            assert!(raw_unicode_escape(wrong, 0..wrong.len()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn strings_of_python_2_are_text_when_ascii_and_bytes_otherwise() {
        let line = b"'f8'";
        assert_eq!(text_of(python2_literal(line, 0..4).unwrap(), line), "f8");
        assert_eq!(text_of(python2_literal(b"'a\\'\\\\\\n'", 0..9).unwrap(), b""), "a'\\\n");
        assert!(matches!(python2_literal(b"\"\\xff\"", 0..6), Ok(Node::OwnedBytes(bytes)) if *bytes == [0xFF]));
        for wrong in [&b"f8"[..], b"'", b"'f8\"", b"'\\q'", b"'\\x1'"] {
            assert!(python2_literal(wrong, 0..wrong.len()).is_err(), "{wrong:?}");
        }
    }
}

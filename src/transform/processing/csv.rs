//! Records of `text/csv`: a line as the list of its fields, each kept as written, including its quotes (RFC 4180).

use std::borrow::Cow;

use super::path::{Path, Selected};

/// Splits a body into rows without their line ends, each with its offset. A line break within quotes is text; blank
/// lines are skipped.
pub(in crate::transform) fn rows(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
            let (start, row) = (at, first_row(rest));
            at += row.len() + 1;
            let row = row.strip_suffix(b"\r").unwrap_or(row);
            if !is_blank(row) {
                return Some((start, row));
            }
        }
    })
}

/// The header line at the start of a text, without its line end, and the length of the line end. A lone carriage return
/// also ends it: containers read rows so, and otherwise the header line could be the whole object.
pub(in crate::transform) fn header_row(text: &[u8]) -> (&[u8], usize) {
    let mut at = 0;
    loop {
        at = field_end_at(text, at, |rest| memchr::memchr3(b',', b'\n', b'\r', rest));
        match text.get(at..).unwrap_or_default() {
            [b',', ..] => at += 1,
            rest => {
                let end = match rest {
                    [b'\r', b'\n', ..] => 2,
                    [b'\r' | b'\n', ..] => 1,
                    _ => 0,
                };
                return (text.get(..at).unwrap_or_default(), end);
            }
        }
    }
}

/// The length in bytes of the blank lines at the start of a text, by the line ends of [`header_row`].
pub(in crate::transform) fn blank_lines(text: &[u8]) -> usize {
    let blanks = text.iter().position(|&byte| !is_blank(&[byte])).unwrap_or(text.len());
    let blanks = text.get(..blanks).unwrap_or_default();
    blanks.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |end| end + 1)
}

/// The row at the start of a text, without its line feed; the whole text if no line feed ends the row.
fn first_row(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = text.get(..end).unwrap_or_default();
    if memchr::memchr(b'"', line).is_none() {
        return line;
    }
    let mut at = 0;
    loop {
        at = field_end(text, at);
        match text.get(at) {
            Some(b',') => at += 1,
            _ => return text.get(..at).unwrap_or_default(),
        }
    }
}

/// Whether a line contains only blanks.
pub(in crate::transform) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Where the field that starts at `start` ends: at a comma, a line break or the end.
fn field_end(row: &[u8], start: usize) -> usize {
    field_end_at(row, start, |rest| memchr::memchr2(b',', b'\n', rest))
}

/// As [`field_end`], with a function that finds the end of a field outside quotes.
fn field_end_at(row: &[u8], start: usize, end: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let mut at = start;
    if row.get(start) == Some(&b'"') {
        at += 1;
        // Up to the closing quote; a doubled quote does not close. Without a closing quote, the rest is part of the
        // field.
        loop {
            match memchr::memchr(b'"', row.get(at..).unwrap_or_default()) {
                None => return row.len(),
                Some(quote) if row.get(at + quote + 1) == Some(&b'"') => at += quote + 2,
                Some(quote) => {
                    at += quote + 1;
                    break;
                }
            }
        }
    }
    let rest = row.get(at..).unwrap_or_default();
    at + end(rest).unwrap_or(rest.len())
}

/// Why a row is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A quote in a field that does not begin with one.
    Bare,
    /// Text between the quote that closes a field and the comma.
    AfterQuote,
    /// A quoted field without the quote that closes it.
    Open,
    /// A carriage return outside quotes without a line feed: containers end the row there, but filters would not.
    Return,
}

/// A malformed row, and the position of the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transform) struct Malformed {
    fault: Fault,
    /// The field, counted from 1.
    pub(in crate::transform) column: usize,
    /// The offset of the fault in the row.
    pub(in crate::transform) at: usize,
    /// How the field begins.
    near: String,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.fault {
            // The service's own words: aws/amazon-sagemaker-examples#898.
            Fault::Bare => "bare \" in non quoted field",
            Fault::AfterQuote => "text after the quote that closes a field",
            Fault::Open => "a quote does not close",
            Fault::Return => "a carriage return without a line feed outside quotes",
        })
    }
}

impl Malformed {
    /// The expected and the found text.
    pub(in crate::transform) fn advice(&self) -> String {
        let expected = match self.fault {
            Fault::Return => "lines to end in a line feed, as records of the job do",
            _ => "a field with a quote in it to stand in quotes in one line, and quotes in it doubled (RFC 4180)",
        };
        format!("expected {expected}, found near: {}", self.near)
    }

    /// Whether it has an unclosed quote.
    pub(in crate::transform) fn is_open(&self) -> bool {
        self.fault == Fault::Open
    }
}

/// How many characters of a field a message shows.
const SHOWN: usize = 40;

/// Checks that all readers parse a row alike, as strictly as the service, which follows Go's `encoding/csv`: a quote
/// is allowed in a quoted field, doubled, or around one.
///
/// # Errors
/// At the first malformed field.
pub(in crate::transform) fn check(row: &[u8]) -> Result<(), Malformed> {
    // Several carriage returns before a line feed end a line as one does.
    let returns = row.iter().rev().take_while(|&&byte| byte == b'\r').count();
    let row = row.get(..row.len() - returns).unwrap_or_default();
    if memchr::memchr2(b'"', b'\r', row).is_none() {
        return Ok(());
    }
    let (mut start, mut column) = (0, 1);
    loop {
        let end = field_end(row, start);
        let field = row.get(start..end).unwrap_or_default();
        if let Some((fault, at)) = fault_of(field) {
            let near = String::from_utf8_lossy(row.get(start..).unwrap_or_default());
            let near = near.chars().take(SHOWN).collect();
            return Err(Malformed { fault, column, at: start + at, near });
        }
        match row.get(end) {
            Some(b',') => (start, column) = (end + 1, column + 1),
            _ => return Ok(()),
        }
    }
}

/// The fault of a field, and its offset in the field.
fn fault_of(field: &[u8]) -> Option<(Fault, usize)> {
    if field.first() != Some(&b'"') {
        let at = memchr::memchr2(b'"', b'\r', field)?;
        return Some((if field.get(at) == Some(&b'"') { Fault::Bare } else { Fault::Return }, at));
    }
    let mut at = 1;
    loop {
        match memchr::memchr(b'"', field.get(at..).unwrap_or_default()) {
            None => return Some((Fault::Open, 0)),
            Some(quote) if field.get(at + quote + 1) == Some(&b'"') => at += quote + 2,
            Some(quote) => {
                let end = at + quote + 1;
                return (end < field.len()).then_some((Fault::AfterQuote, end));
            }
        }
    }
}

/// The fields of a row, as written.
fn fields(row: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut start = 0;
    loop {
        let end = field_end(row, start);
        fields.push(row.get(start..end).unwrap_or_default());
        match row.get(end) {
            Some(b',') => start = end + 1,
            _ => return fields,
        }
    }
}

/// Applies a filter to a row.
///
/// # Errors
/// If an index is out of range, or nothing is selected.
pub(super) fn select<'a>(path: &Path, row: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    let Some(step) = path.steps().first() else { return Ok(Cow::Borrowed(row)) };
    let fields = fields(row);
    let chosen = match step.select(fields.len())? {
        Some(Selected::One(index)) => vec![index],
        Some(Selected::List(indices)) => indices,
        None => return Err(format!("{} names a field, and text/csv has no names", path.as_written())),
    };
    if chosen.is_empty() {
        return Err("it leaves nothing of the record".to_owned());
    }
    let mut selected = Vec::with_capacity(row.len());
    for (position, index) in chosen.into_iter().enumerate() {
        if position > 0 {
            selected.push(b',');
        }
        selected.extend_from_slice(fields.get(index).copied().unwrap_or_default());
    }
    // A blank line is not a row; a single empty cell in quotes is.
    if is_blank(&selected) {
        selected.insert(0, b'"');
        selected.push(b'"');
    }
    Ok(Cow::Owned(selected))
}

/// Joins a row of the input with its result: the columns of the input, then those of the result.
pub(super) fn join(input: &[u8], result: &[u8]) -> Vec<u8> {
    [input, b",", result].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::media_types::MediaType;

    fn texts(body: &str) -> Vec<String> {
        let text = |(start, row): (usize, &[u8])| {
            assert_eq!(&body.as_bytes()[start..start + row.len()], row);
            String::from_utf8_lossy(row).into_owned()
        };
        rows(body.as_bytes()).map(text).collect()
    }

    #[test]
    fn rows_end_at_line_breaks_outside_quotes_and_blank_lines_are_skipped() {
        for (body, expected) in [
            ("a,b\nc,d\n", vec!["a,b", "c,d"]),
            ("a,b\r\n\r\n \t\nc,d", vec!["a,b", "c,d"]),
            ("\"a\nb\",c\nd\n", vec!["\"a\nb\",c", "d"]),
            ("\"a\"\"\n\"\"b\",c\r\nd", vec!["\"a\"\"\n\"\"b\",c", "d"]),
            ("x\"y,z\nd", vec!["x\"y,z", "d"]),
            ("\"open\nd", vec!["\"open\nd"]),
            ("", vec![]),
        ] {
            assert_eq!(texts(body), expected, "{body:?}");
        }
    }

    #[test]
    fn fields_are_selected_as_they_are_written() {
        let row = br#"1,"a,""b""",,x"#;
        for (path, expected) in [
            ("$", r#"1,"a,""b""",,x"#),
            ("$[1]", r#""a,""b""""#),
            ("$[-1,0]", "x,1"),
            ("$[1:]", r#""a,""b""",,x"#),
            ("$[2]", "\"\""),
            ("$[2,2]", ","),
            ("$[*]", r#"1,"a,""b""",,x"#),
        ] {
            let path = Path::parse("InputFilter", path, MediaType::Csv).unwrap();
            assert_eq!(String::from_utf8_lossy(&select(&path, row).unwrap()), expected, "{path:?}");
        }
        let path = Path::parse("InputFilter", "$[4]", MediaType::Csv).unwrap();
        assert_eq!(select(&path, row).unwrap_err(), "[4] is beyond the 4 elements of the record");
        for path in ["$[2:2]", "$[4:]"] {
            let path = Path::parse("InputFilter", path, MediaType::Csv).unwrap();
            assert_eq!(select(&path, row).unwrap_err(), "it leaves nothing of the record");
        }
        let blank = Path::parse("InputFilter", "$[-1]", MediaType::Csv).unwrap();
        assert_eq!(&*select(&blank, b"c, ").unwrap(), b"\" \"");
    }

    #[test]
    fn quotes_are_allowed_only_in_and_around_quoted_fields() {
        for (row, column, at, expected) in [
            ("id1,say \"hi\" there,1", 2, 8, "bare \" in non quoted field"),
            ("x\"y", 1, 1, "bare \" in non quoted field"),
            ("x\"y\",1", 1, 1, "bare \" in non quoted field"),
            ("1, \"a\"", 2, 3, "bare \" in non quoted field"),
            ("a\",2", 1, 1, "bare \" in non quoted field"),
            ("é,\u{feff}\"a\"", 2, 6, "bare \" in non quoted field"),
            ("\"abc\"def,say", 1, 5, "text after the quote that closes a field"),
            ("1,\"a\" ,2", 2, 5, "text after the quote that closes a field"),
            ("\"a\"b\"", 1, 3, "text after the quote that closes a field"),
            ("\"x", 1, 0, "a quote does not close"),
            ("1,\"a", 2, 2, "a quote does not close"),
            ("\"a\"\",b", 1, 0, "a quote does not close"),
            ("\"", 1, 0, "a quote does not close"),
            ("1,2\r3,4", 2, 3, "a carriage return without a line feed outside quotes"),
            ("\r1,2", 1, 0, "a carriage return without a line feed outside quotes"),
            ("1,\"a\"\r2", 2, 5, "text after the quote that closes a field"),
        ] {
            let found = check(row.as_bytes()).unwrap_err();
            assert_eq!((found.column, found.at, found.to_string().as_str()), (column, at, expected), "{row}");
        }
        for row in [
            "",
            "x",
            "\"\"",
            "\"a,\"\"b\"\"\",c",
            "\"a\nb\",1",
            "\"\"\"\",1",
            "\"\",\"\"",
            "'a',b",
            "a,b\r\r",
            "\"a\rb\",1",
        ] {
            assert_eq!(check(row.as_bytes()), Ok(()), "{row}");
        }
        let found = check(b"id1,say \"hi\" there,1").unwrap_err().advice();
        assert!(found.ends_with("found near: say \"hi\" there,1"), "{found}");
        let long = check(format!("\"{}", "é".repeat(99)).as_bytes()).unwrap_err().advice();
        assert!(long.ends_with(&format!("found near: \"{}", "é".repeat(39))), "{long}");
    }

    /// The reference implementation of [`check`]: Go's `encoding/csv`, byte by byte.
    fn is_row(row: &[u8]) -> bool {
        #[derive(PartialEq)]
        enum At {
            Start,
            Plain,
            Quoted,
            /// After a quote in a quoted field, which closes it or is the first of two.
            Quote,
        }
        let mut state = At::Start;
        for &byte in row.trim_ascii_end() {
            state = match (state, byte) {
                (At::Start | At::Plain | At::Quote, b',') => At::Start,
                (At::Start, b'"') | (At::Quote, b'"') => At::Quoted,
                (At::Plain, b'"') | (At::Start | At::Plain, b'\r') | (At::Quote, _) => return false,
                (At::Start | At::Plain, _) => At::Plain,
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => At::Quoted,
            };
        }
        state != At::Quoted
    }

    proptest::proptest! {
        #[test]
        fn a_row_is_valid_if_the_reference_implementation_says_so(row in "[a\",b\r]{0,12}") {
            let found = check(row.as_bytes());
            proptest::prop_assert_eq!(found.is_ok(), is_row(row.as_bytes()), "{:?}", found);
        }
    }

    #[test]
    fn a_header_line_ends_at_any_line_end_outside_quotes() {
        for (text, row, end) in [
            ("a,b\n1", "a,b", 1),
            ("a,b\r\n1", "a,b", 2),
            ("a,b\r1,2\r", "a,b", 1),
            ("a,b\r\r\n1", "a,b", 1),
            ("\"a\r\nb\",c\r1", "\"a\r\nb\",c", 1),
            ("a,b", "a,b", 0),
            ("a,\"b\n1", "a,\"b\n1", 0),
            ("\n", "", 1),
            ("", "", 0),
        ] {
            assert_eq!(header_row(text.as_bytes()), (row.as_bytes(), end), "{text:?}");
        }
        for (text, expected) in [("", 0), ("a\n", 0), (" a", 0), ("\r\ra", 2), ("\n \t\r\n  a\n", 5), (" \n ", 2)] {
            assert_eq!(blank_lines(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_join_is_the_inputs_columns_followed_by_the_results() {
        assert_eq!(join(b"1,\"a\"", b"0.5,1"), b"1,\"a\",0.5,1");
    }
}

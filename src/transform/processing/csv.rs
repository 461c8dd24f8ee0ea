//! Records of `text/csv`: a line as the list of its fields, each as it is written, quotes and all (RFC 4180).

use std::borrow::Cow;

use super::path::{Path, Selected};

/// Cuts a body into rows, without their line ends. A line break within quotes is text; blank lines are no rows.
pub(super) fn rows(body: &[u8]) -> Vec<&[u8]> {
    let mut rows = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (row, after) = match memchr::memchr(b'\n', rest) {
            None => (rest, &[][..]),
            Some(end) => {
                let line = rest.get(..end).unwrap_or_default();
                match memchr::memchr(b'"', line) {
                    None => (line, rest.get(end + 1..).unwrap_or_default()),
                    Some(_) => quoted_row(rest),
                }
            }
        };
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        if !is_blank(row) {
            rows.push(row);
        }
        rest = after;
    }
    rows
}

/// Whether a line has nothing in it.
pub(in crate::transform) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The row at the start of `rest`, some of whose fields are quoted, and what follows it.
fn quoted_row(rest: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    loop {
        at = field_end(rest, at);
        match rest.get(at) {
            Some(b',') => at += 1,
            _ => return (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
        }
    }
}

/// Where the field that starts at `start` ends: at a comma, a line break or the end.
fn field_end(row: &[u8], start: usize) -> usize {
    let mut at = start;
    if row.get(start) == Some(&b'"') {
        at += 1;
        // To the closing quote; a doubled one is none. Without one, all that follows is text of the field.
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
    at + memchr::memchr2(b',', b'\n', rest).unwrap_or(rest.len())
}

/// Whether a row has a quote that does not close: what stands after it in a file would be taken for text of the field.
fn is_open(row: &[u8]) -> bool {
    if memchr::memchr(b'"', row).is_none() {
        return false;
    }
    // Some readers take a quote within a field for the start of quoted text, others for text: of an even number both close.
    if memchr::memchr_iter(b'"', row).count() % 2 == 1 {
        return true;
    }
    fields(row).into_iter().any(|field| field.starts_with(b"\"") && !closes(field))
}

/// Whether a field that starts with a quote has the one that closes it.
fn closes(field: &[u8]) -> bool {
    let mut rest = field.get(1..).unwrap_or_default();
    loop {
        match memchr::memchr(b'"', rest) {
            None => return false,
            Some(quote) if rest.get(quote + 1) == Some(&b'"') => rest = rest.get(quote + 2..).unwrap_or_default(),
            Some(_) => return true,
        }
    }
}

/// Sees to it that a row can stand in a file beside others.
///
/// # Errors
/// When one of its quotes does not close.
pub(super) fn check(row: &[u8]) -> Result<(), String> {
    if is_open(row) {
        let message = "a quote does not close: expected quoted fields to end in their line, and quotes in them doubled \
                       (RFC 4180)";
        return Err(message.to_owned());
    }
    Ok(())
}

/// The fields of a row, as they are written.
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

/// What a filter leaves of a row.
///
/// # Errors
/// The index that the row does not have, or that nothing is left.
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
    // A line of nothing but blanks is no row; one empty cell in quotes is.
    if is_blank(&selected) {
        selected.insert(0, b'"');
        selected.push(b'"');
    }
    Ok(Cow::Owned(selected))
}

/// A row of the input and the row that came of it: the columns of the one, then those of the other.
pub(super) fn join(input: &[u8], result: &[u8]) -> Vec<u8> {
    [input, b",", result].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::MediaType;

    fn texts(rows: Vec<&[u8]>) -> Vec<String> {
        rows.into_iter().map(|row| String::from_utf8_lossy(row).into_owned()).collect()
    }

    #[test]
    fn rows_end_at_line_breaks_outside_quotes_and_blank_lines_are_none() {
        for (body, expected) in [
            ("a,b\nc,d\n", vec!["a,b", "c,d"]),
            ("a,b\r\n\r\n \t\nc,d", vec!["a,b", "c,d"]),
            ("\"a\nb\",c\nd\n", vec!["\"a\nb\",c", "d"]),
            ("\"a\"\"\n\"\"b\",c\r\nd", vec!["\"a\"\"\n\"\"b\",c", "d"]),
            ("x\"y,z\nd", vec!["x\"y,z", "d"]),
            ("\"open\nd", vec!["\"open\nd"]),
            ("", vec![]),
        ] {
            assert_eq!(texts(rows(body.as_bytes())), expected, "{body:?}");
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
    fn a_row_with_a_quote_that_does_not_close_is_no_row_of_a_file() {
        for row in ["\"x", "x\"y", "1,\"a", "a\",2", "x\"y,\"z", "\"a\"\",b", "\"a\"b\""] {
            assert!(check(row.as_bytes()).is_err(), "{row}");
        }
        for row in ["", "x", "\"\"", "\"a,\"\"b\"\"\",c", "\"a\nb\",1", "x\"y\",1", "\"\"\"\",1"] {
            assert_eq!(check(row.as_bytes()), Ok(()), "{row}");
        }
    }

    #[test]
    fn a_join_is_the_inputs_columns_followed_by_the_results() {
        assert_eq!(join(b"1,\"a\"", b"0.5,1"), b"1,\"a\",0.5,1");
    }
}

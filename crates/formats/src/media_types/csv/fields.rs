//! Finds each field of a CSV body: the tokenizer of pandas' C parser (`pandas/_libs/src/parser/tokenizer.c`).

use byoc_account::{Allowance, LeasedGrowth as _};
use std::borrow::Cow;

use crate::error::{Error, Place, Result};

/// The fields of a body, row after row, each row as wide as the first.
pub(super) struct Fields<'a> {
    body: &'a str,
    spans: Vec<Span>,
    width: usize,
}

/// The position of one field: `start..end`, without its quotes if it has plain ones.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    /// With [`QUOTED`]: the span is the whole field as written, and its quotes are still to be taken out.
    end: u32,
}

/// The deadline is checked after this many rows.
const ROWS_BETWEEN_CHECKS: usize = 1024;

const QUOTED: u32 = 1 << 31;
const MISSING: Span = Span { start: 0, end: 0 };

impl<'a> Fields<'a> {
    /// Finds the fields of a body, once `check_width` has accepted the number of fields of its first row, or the
    /// `width` of the rows before this body.
    pub(super) fn find(
        body: &'a [u8],
        width: Option<usize>,
        check_width: &dyn Fn(usize) -> Result<()>,
        allowance: &Allowance,
    ) -> Result<Fields<'a>> {
        let text = std::str::from_utf8(body).map_err(|error| not_text(body, error))?;
        check_length(text)?;
        let mut finder = Finder::new(text, 0, allowance);
        if text.starts_with('\u{feff}') {
            finder.position = '\u{feff}'.len_utf8();
        }
        if finder.skip_blank_lines() {
            // Before memory is taken: a row of only commas has as many fields as bytes.
            let found = match width {
                Some(width) => width,
                None => finder.width_of_record()?,
            };
            check_width(found).map_err(|error| error.at(Place::row(1).at_byte(finder.position)))?;
            finder.width = width.unwrap_or(0);
            finder.spans.reserve_exact_leased(found, allowance)?;
        }
        while finder.skip_blank_lines() {
            finder.record()?;
        }
        if finder.rows == 0 {
            return Err(Error::bad_payload("expected at least one row, found none"));
        }
        Ok(Fields { body: text, spans: finder.spans, width: finder.width })
    }

    /// Finds the fields of the whole records, and where the last record ends. What follows is left for the next piece,
    /// unless this is the last one. `width` is the number of fields of a record, `None` if the first of these decides
    /// it.
    pub(super) fn find_whole(body: &'a [u8], width: Option<usize>, is_last: bool) -> Result<(Fields<'a>, usize)> {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            // A character at the end may be incomplete; the next piece has the rest.
            Err(error) if !is_last && error.error_len().is_none() => {
                let whole = body.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(whole).map_err(|error| not_text(body, error))?
            }
            Err(error) => return Err(not_text(body, error)),
        };
        check_length(text)?;
        let width = width.unwrap_or(0);
        let allowance = Allowance::unbounded();
        let mut finder = Finder::new(text, width, &allowance);
        if text.starts_with('\u{feff}') {
            finder.position = '\u{feff}'.len_utf8();
        }
        let mut end = finder.position;
        while finder.skip_blank_lines() {
            let (begin, known) = (finder.position, finder.spans.len());
            let found = finder.record();
            if !is_last && (finder.is_within_quotes || finder.is_at_open_end()) {
                finder.spans.truncate(known);
                end = begin;
                break;
            }
            found?;
            end = finder.position;
        }
        if is_last {
            end = text.len();
        }
        Ok((Fields { body: text, spans: finder.spans, width: finder.width }, end))
    }

    /// The texts of the first row, and the rows after it.
    pub(super) fn split_first(mut self) -> (Vec<String>, Fields<'a>) {
        let first = (0..self.width).filter_map(|column| self.texts(column).next()).map(Cow::into_owned).collect();
        self.spans.drain(..self.width.min(self.spans.len()));
        (first, self)
    }

    /// Gives back the memory of the spans.
    pub(super) fn give_back(self, allowance: &Allowance) {
        allowance.give_back_items::<Span>(self.spans.capacity());
    }

    /// The number of fields of each row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.spans.len().checked_div(self.width).unwrap_or(0)
    }

    /// The fields of one column as bytes, from the first row to the last. They borrow from the body unless quotes had
    /// to be removed.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = Cow<'a, [u8]>> + '_ {
        let bytes = self.body.as_bytes();
        self.spans(column).map(move |span| match span.plain() {
            Some(range) => Cow::Borrowed(bytes.get(range).unwrap_or_default()),
            None => Cow::Owned(self.quoted(span).into_bytes()),
        })
    }

    /// The fields of one column as text.
    pub(super) fn texts(&self, column: usize) -> impl Iterator<Item = Cow<'a, str>> + '_ {
        // Spans begin and end at ASCII bytes or at the ends of the body, so they never cut a character.
        self.spans(column).map(|span| match span.plain() {
            Some(range) => Cow::Borrowed(self.body.get(range).unwrap_or_default()),
            None => Cow::Owned(self.quoted(span)),
        })
    }

    /// The byte at which a field begins, with its quote if it has one; both counted from 0. `None` for a field that a
    /// short row does not have.
    pub(super) fn start(&self, row: usize, column: usize) -> Option<usize> {
        let span = self.spans(column).nth(row)?;
        let start = span.start as usize;
        let before = start.checked_sub(1).and_then(|before| self.body.as_bytes().get(before));
        match span {
            Span { end: 0, .. } => None,
            _ if before == Some(&b'"') && span.plain().is_some() => Some(start - 1),
            _ => Some(start),
        }
    }

    fn spans(&self, column: usize) -> impl Iterator<Item = Span> + '_ {
        self.spans.iter().skip(column).step_by(self.width.max(1)).copied()
    }

    fn quoted(&self, span: Span) -> String {
        let range = span.start as usize..(span.end & !QUOTED) as usize;
        without_quotes(self.body.get(range).unwrap_or_default())
    }
}

fn not_text(body: &[u8], error: std::str::Utf8Error) -> Error {
    let byte = error.valid_up_to();
    let row = 1 + memchr::memchr_iter(b'\n', &body[..byte]).count();
    Error::bad_payload(format!("expected UTF-8 text, found the byte 0x{:02x}", body.get(byte).unwrap_or(&0)))
        .at(Place::row(row).at_byte(byte))
}

fn check_length(text: &str) -> Result<()> {
    if text.len() < QUOTED as usize {
        return Ok(());
    }
    Err(Error::bad_payload(format!("expected less than 2 GiB of CSV, found {} bytes", text.len())))
}

impl Span {
    /// The position of the field, unless its quotes are still to be removed.
    fn plain(self) -> Option<std::ops::Range<usize>> {
        (self.end & QUOTED == 0).then_some(self.start as usize..self.end as usize)
    }
}

/// Removes the quotes from a field that begins with one: a doubled quote is a quote, and text after the closing quote
/// is appended unchanged.
fn without_quotes(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field.get(1..).unwrap_or_default();
    while let Some((before, after)) = rest.split_once('"') {
        text.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => {
                rest = after;
                break;
            }
        }
    }
    text.push_str(rest);
    text
}

struct Finder<'a> {
    body: &'a [u8],
    position: usize,
    spans: Vec<Span>,
    /// Of the first record; 0 until it was seen.
    width: usize,
    rows: usize,
    /// Whether the body ended within quotes.
    is_within_quotes: bool,
    allowance: &'a Allowance,
}

impl<'a> Finder<'a> {
    fn new(text: &'a str, width: usize, allowance: &'a Allowance) -> Finder<'a> {
        Finder {
            body: text.as_bytes(),
            position: 0,
            spans: Vec::new(),
            width,
            rows: 0,
            is_within_quotes: false,
            allowance,
        }
    }

    /// Whether the body ended before a line did.
    fn is_at_open_end(&self) -> bool {
        self.position >= self.body.len() && !matches!(self.body.last(), Some(b'\n' | b'\r'))
    }

    /// Moves to the next line that is not empty or blank; whether there is one.
    fn skip_blank_lines(&mut self) -> bool {
        loop {
            let mut end = self.position;
            while matches!(self.body.get(end), Some(b' ' | b'\t')) {
                end += 1;
            }
            match self.body.get(end) {
                None => return false,
                Some(b'\n' | b'\r') => self.position = end + 1,
                Some(_) => return true,
            }
        }
    }

    /// How many fields the record that starts here has.
    fn width_of_record(&mut self) -> Result<usize> {
        let start = self.position;
        let mut width = 0;
        self.fields_of_record(|_, _| width += 1)?;
        self.position = start;
        Ok(width)
    }

    /// Goes through the fields of a record and the end of its last line.
    fn fields_of_record(&mut self, mut found: impl FnMut(&mut Vec<Span>, Span)) -> Result<()> {
        loop {
            let span = if self.body.get(self.position) == Some(&b'"') { self.quoted()? } else { self.unquoted() };
            found(&mut self.spans, span);
            match self.body.get(self.position) {
                Some(b',') => self.position += 1,
                // The \n of \r\n is taken for an empty line, which is skipped.
                Some(_) => {
                    self.position += 1;
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    /// Reads one record and the end of its last line.
    fn record(&mut self) -> Result<()> {
        let record_start = self.position;
        let first_span = self.spans.len();
        let most = if self.width == 0 { usize::MAX } else { self.width };
        self.spans.reserve_leased(self.width, self.allowance)?;
        let mut found = 0;
        self.fields_of_record(|spans, span| {
            // Fields beyond the width are counted but not kept.
            if found < most {
                spans.push(span);
            }
            found += 1;
        })?;
        if self.width == 0 {
            self.width = found;
            let record_bytes = self.position - record_start;
            let more = (self.body.len() - self.position) / record_bytes.max(1) * found;
            self.spans.reserve_exact_leased(more, self.allowance)?;
        }
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            self.allowance.check_time()?;
        }
        if found > self.width {
            let message = format!("expected {} fields as in the first row, found {found}", self.width);
            return Err(Error::bad_payload(message).at(Place::row(self.rows).at_byte(record_start)));
        }
        // A short row is padded, but a long first row and many short ones must not ask for more memory than they send.
        let padded = first_span + self.width;
        if padded > 2 * self.body.len() + 1024 {
            let message = format!("expected {} fields as in the first row, found {found}, as in many rows", self.width);
            return Err(Error::bad_payload(message).at(Place::row(self.rows).at_byte(record_start)));
        }
        self.spans.resize(padded, MISSING);
        Ok(())
    }

    /// The field that starts here without a quote. A quote inside it is text.
    fn unquoted(&mut self) -> Span {
        let start = self.position;
        self.skip_to_separator();
        Span { start: start as u32, end: self.position as u32 }
    }

    fn skip_to_separator(&mut self) {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let length = rest.iter().position(|byte| matches!(byte, b',' | b'\n' | b'\r')).unwrap_or(rest.len());
        self.position += length;
    }

    /// The field that starts here with a quote.
    fn quoted(&mut self) -> Result<Span> {
        let opening = self.position;
        let mut plain = true;
        let mut search = opening + 1;
        let closing = loop {
            let rest = self.body.get(search..).unwrap_or_default();
            let Some(offset) = memchr::memchr(b'"', rest) else {
                self.is_within_quotes = true;
                return Err(Error::bad_payload("expected a closing quote, found the end of the body")
                    .at(Place::row(self.rows + 1).at_byte(opening)));
            };
            let quote = search + offset;
            if self.body.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            plain = false;
            search = quote + 2;
        };
        self.position = closing + 1;
        self.skip_to_separator();
        if plain && self.position == closing + 1 {
            return Ok(Span { start: opening as u32 + 1, end: closing as u32 });
        }
        Ok(Span { start: opening as u32, end: self.position as u32 | QUOTED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(body: &str) -> Vec<Vec<String>> {
        let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &Allowance::unbounded()).unwrap();
        let columns: Vec<Vec<_>> = (0..fields.width()).map(|column| fields.texts(column).collect()).collect();
        (0..fields.rows()).map(|row| columns.iter().map(|column| column[row].to_string()).collect()).collect()
    }

    #[test]
    fn fields_are_separated_as_by_pandas() {
        // Recorded from pandas 3.1.1.
        let cases: &[(&str, &[&[&str]])] = &[
            ("1,a\n2,b", &[&["1", "a"], &["2", "b"]]),
            ("1,a\r\n2,b\r\n", &[&["1", "a"], &["2", "b"]]),
            ("1,a\r 2,b\r", &[&["1", "a"], &[" 2", "b"]]),
            ("\u{feff}\"x\",a\n2,b\n", &[&["x", "a"], &["2", "b"]]),
            ("\n\n1,a\n \t \n2,b\n\n  ", &[&["1", "a"], &["2", "b"]]),
            ("1,a,x\n2,b\n", &[&["1", "a", "x"], &["2", "b", ""]]),
            ("1,a,\n", &[&["1", "a", ""]]),
            ("x\n\"\"\ny\n", &[&["x"], &[""], &["y"]]),
            ("x\n\"\"", &[&["x"], &[""]]),
            ("\"a,b\",1\n", &[&["a,b", "1"]]),
            ("\"a\r\nb\",1\nc,2\n", &[&["a\r\nb", "1"], &["c", "2"]]),
            ("\"a\"\"b\",1\n", &[&["a\"b", "1"]]),
            ("\"a\" ,1\n", &[&["a ", "1"]]),
            ("\"a\"b\"c,1\n", &[&["ab\"c", "1"]]),
            ("a\"\",1\n", &[&["a\"\"", "1"]]),
            (" \"a,b\",1\n", &[&[" \"a", "b\"", "1"]]),
            ("\"\"\"\"\"\"\n", &[&["\"\""]]),
        ];
        for (body, expected) in cases {
            assert_eq!(rows(body), *expected, "{body:?}");
        }
    }

    #[test]
    fn a_field_begins_at_its_first_byte_or_its_quote() {
        let body = "\u{feff}1,\"a\"\n\n\"\"\"b\",22\nc\n";
        let fields = Fields::find(body.as_bytes(), None, &|_| Ok(()), &Allowance::unbounded()).unwrap();
        let starts: Vec<_> = (0..3).flat_map(|row| [fields.start(row, 0), fields.start(row, 1)]).collect();
        assert_eq!(starts, [Some(3), Some(5), Some(10), Some(16), Some(19), None]);
        assert_eq!(fields.start(3, 0), None);
    }

    #[test]
    fn a_piece_has_the_width_of_the_rows_before_it() {
        let fields = Fields::find(
            b"1\n2,b\n",
            Some(2),
            &|width| if width == 2 { Ok(()) } else { Err(Error::bad_payload("")) },
            &Allowance::unbounded(),
        );
        let fields = fields.unwrap();
        assert_eq!((fields.rows(), fields.width()), (2, 2));
        assert_eq!(fields.texts(1).collect::<Vec<_>>(), ["", "b"]);
        assert!(Fields::find(b"1,2,3\n", Some(2), &|_| Ok(()), &Allowance::unbounded()).is_err());
    }

    #[test]
    fn a_body_that_cannot_be_split_into_fields_is_refused_with_its_place() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "expected at least one row, found none"),
            (b"\n \n\t\r", "expected at least one row, found none"),
            (b"1,2\n\n3,4,\n", "row 2, byte 5: expected 2 fields as in the first row, found 3"),
            (b"a\n\"b\n", "row 2, byte 2: expected a closing quote, found the end of the body"),
            (b"1,a\n2,\xff\n", "row 2, byte 6: expected UTF-8 text, found the byte 0xff"),
        ];
        for (body, expected) in cases {
            let error = Fields::find(body, None, &|_| Ok(()), &Allowance::unbounded()).err().unwrap();
            assert_eq!(error.to_string(), *expected, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_wide_first_row_with_many_short_ones_takes_little_memory() {
        let body = format!("{}\n{}", ",".repeat(50_000), "1\n".repeat(50_000));
        assert!(Fields::find(body.as_bytes(), None, &|_| Ok(()), &Allowance::unbounded()).is_err());
    }
}

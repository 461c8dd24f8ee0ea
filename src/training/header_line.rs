//! A first line that has the names of the columns: skipped where the channel says that there is one, and noticed where it
//! does not, since a column of words would take its own name for one of them.

use super::channel::Header;
use crate::error::{Error, Place, Result};

/// What is known of the first line of each file.
#[derive(Clone, Debug)]
pub(super) struct HeaderLine {
    header: Header,
    /// The names of a row, with its label and without; none where the specification has no names.
    names: Vec<Vec<String>>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl HeaderLine {
    pub(super) fn new(header: Header, names: Vec<Vec<String>>) -> HeaderLine {
        HeaderLine { header, names }
    }

    /// How many bytes at the start of a file are its header line.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](crate::error::Cause::BadPayload) for a header line that nobody said is there, and for a first
    /// line that is not the one that should be.
    pub(super) fn length(&self, text: &[u8]) -> Result<usize> {
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (BYTE_ORDER_MARK.len(), rest),
            None => (0, text),
        };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).unwrap_or(false) {
            return Ok(0);
        }
        let fields: Vec<_> = record.iter().map(|field| String::from_utf8_lossy(field.trim_ascii())).collect();
        let has_names = self.names.iter().any(|names| names.iter().map(String::as_str).eq(fields.iter().map(|f| &**f)));
        let wrong = |message: String| Err(Error::bad_payload(message).at(Place::row(1)));
        match self.header {
            Header::Absent if has_names => wrong(format!(
                "this looks like a header line: it has the names of the columns ({}), which would be taken for data; take it \
                 away, or set the channel's ContentType to text/csv;header=present",
                listed(&fields)
            )),
            Header::Absent => Ok(0),
            Header::Present if has_names || self.names.is_empty() => {
                Ok(mark + usize::try_from(reader.position().byte()).unwrap_or(usize::MAX).min(text.len()))
            }
            Header::Present => {
                let expected: Vec<_> = self.names.iter().map(|names| listed(names)).collect();
                wrong(format!(
                    "the channel's ContentType has header=present: expected a line of the names {}, found {}",
                    expected.join(" or "),
                    listed(&fields)
                ))
            }
        }
    }
}

/// Names as a message shows them.
fn listed(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() {
        all if all > SHOWN => format!("{} and {} more", shown.join(","), all - SHOWN),
        _ => shown.join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(lines: &[&str]) -> Vec<Vec<String>> {
        lines.iter().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_line_of_the_names_is_a_header_and_nothing_else_is() {
        let absent = HeaderLine::new(Header::Absent, names(&["y,a,b", "a,b"]));
        for data in ["", "1,x,z\n", "y,a\n", "a,b,y\n", "\n\n1,2,3\n", "A,B\n"] {
            assert_eq!(absent.length(data.as_bytes()).unwrap(), 0, "{data}");
        }
        for header in ["y,a,b\n1,2,3\n", "a,b", "\u{feff}a,b\r\n", "\"a\", b\n", "\n\na,b\n"] {
            let error = absent.length(header.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("row 1: this looks like a header line"), "{header}: {error}");
            assert!(error.contains("text/csv;header=present"), "{error}");
        }
        let unnamed = HeaderLine::new(Header::Absent, Vec::new());
        assert_eq!(unnamed.length(b"a,b\n").unwrap(), 0);
    }

    #[test]
    fn a_header_line_that_is_said_to_be_there_is_skipped_once_it_has_the_names() {
        let present = HeaderLine::new(Header::Present, names(&["y,a,b", "a,b"]));
        for header in ["y,a,b\n", "a,b\n", "\u{feff}a,b\n", "\"a\",\"b\"\n"] {
            let text = format!("{header}1,2,3\n");
            assert_eq!(present.length(text.as_bytes()).unwrap(), header.len(), "{header}");
        }
        let error = present.length(b"1,2,3\n").unwrap_err().to_string();
        assert!(error.contains("expected a line of the names y,a,b or a,b, found 1,2,3"), "{error}");
        let unnamed = HeaderLine::new(Header::Present, Vec::new());
        assert_eq!(unnamed.length(b"p,q\n1,2\n").unwrap(), 4);
        assert_eq!(unnamed.length(b"").unwrap(), 0);
    }
}

//! Header lines of CSV files: skipped if the channel says that there are any, refused if it does not, because the name
//! of a column of text would otherwise become one of its values.

use crate::training::channel::Header;
use byoc_formats::error::Place;
use byoc_formats::error::{Error, Result};
use std::sync::{Arc, OnceLock};

/// What the first line of each file must be.
#[derive(Clone, Debug)]
pub(in crate::training) struct HeaderLine {
    header: Header,
    names: Names,
}

/// Which names a line may have.
#[derive(Clone, Debug)]
enum Names {
    /// The columns of a specification, with and without the label; empty if it does not name them.
    Of(Vec<Vec<String>>),
    /// Any names, above columns of numbers. All files of a job must have those of the first file.
    AboveNumbers(Arc<FirstLine>),
}

/// The first file of a job, and the names in its first line.
pub(in crate::training) type FirstLine = OnceLock<(String, Vec<String>)>;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl HeaderLine {
    /// A header line above the columns of a specification.
    pub(in crate::training) fn new(header: Header, names: Vec<Vec<String>>) -> HeaderLine {
        HeaderLine { header, names: Names::Of(names) }
    }

    /// A header line above columns of numbers.
    pub(in crate::training) fn above_numbers(header: Header, first: &Arc<FirstLine>) -> HeaderLine {
        HeaderLine { header, names: Names::AboveNumbers(Arc::clone(first)) }
    }

    /// Bytes of the header line at the start of a file. `file` is its name, for messages about later files.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](byoc_formats::error::Cause::BadPayload) for a header line that the channel does not
    /// announce, or that has other names than expected.
    pub(in crate::training) fn length(&self, text: &[u8], file: &str) -> Result<usize> {
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (BYTE_ORDER_MARK.len(), rest),
            None => (0, text),
        };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).unwrap_or(false) {
            return Ok(0);
        }
        let fields: Vec<_> =
            record.iter().map(|field| String::from_utf8_lossy(field.trim_ascii()).into_owned()).collect();
        let wrong = |message: String| Err(Error::bad_payload(message).at(Place::row(1)));
        match (self.header, self.names.read(&fields)) {
            (Header::Absent, Line::Names) => wrong(format!(
                "this looks like a header line: it has names of columns ({}), which would be taken for data; remove \
                 it, or set the ContentType of the channel, --content-type of byoc train, to text/csv;header=present",
                listed(&fields)
            )),
            (Header::Absent, Line::Data(_) | Line::Either) => Ok(0),
            (Header::Present, Line::Data(expected)) => wrong(format!(
                "the channel's ContentType has header=present: expected a line of {expected}, found {}",
                listed(&fields)
            )),
            (Header::Present, Line::Names | Line::Either) => {
                if let Names::AboveNumbers(first) = &self.names {
                    let (of, names) = first.get_or_init(|| (file.to_owned(), fields.clone()));
                    if *names != fields {
                        return wrong(format!(
                            "expected the names of columns of {of} in its order, {}, found {}",
                            listed(names),
                            listed(&fields)
                        ));
                    }
                }
                Ok(mark + usize::try_from(reader.position().byte()).unwrap_or(usize::MAX).min(text.len()))
            }
        }
    }

    /// The names in the header line, if files have one whose names no specification has.
    pub(in crate::training) fn names(&self) -> Option<&[String]> {
        match (&self.header, &self.names) {
            (Header::Present, Names::AboveNumbers(first)) => first.get().map(|(_, names)| names.as_slice()),
            _ => None,
        }
    }

    /// Number of columns of the header line, if files have one whose names no specification has.
    pub(in crate::training) fn columns(&self) -> Option<usize> {
        self.names().map(<[String]>::len)
    }
}

/// What a first line is, judged by its fields.
enum Line {
    Names,
    /// Not names; the text says which ones were expected.
    Data(String),
    /// Names or data.
    Either,
}

impl Names {
    fn read(&self, fields: &[String]) -> Line {
        match self {
            Names::Of(names) if names.is_empty() => Line::Either,
            Names::Of(names) if names.iter().any(|names| names == fields) => Line::Names,
            Names::Of(names) => {
                let expected: Vec<_> = names.iter().map(|names| listed(names)).collect();
                Line::Data(format!("the names {}", expected.join(" or ")))
            }
            Names::AboveNumbers(_) => {
                let is_number = |field: &String| field.parse::<f64>().is_ok();
                // An empty field is neither a number nor a name.
                let is_word = |field: &String| !field.is_empty() && !is_number(field);
                // pandas writes 0, 1, … above columns without names.
                let is_counted = || fields.iter().enumerate().all(|(at, field)| *field == at.to_string());
                match (fields.iter().any(is_word), fields.iter().any(is_number)) {
                    (true, false) => Line::Names,
                    (true, true) => Line::Either,
                    (false, _) if is_counted() => Line::Either,
                    (false, _) => Line::Data("the names of the columns, the label's first".to_owned()),
                }
            }
        }
    }
}

/// Names for a message.
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
    fn only_a_line_with_the_names_of_the_columns_is_a_header_line() {
        let absent = HeaderLine::new(Header::Absent, names(&["y,a,b", "a,b"]));
        for data in ["", "1,x,z\n", "y,a\n", "a,b,y\n", "\n\n1,2,3\n", "A,B\n"] {
            assert_eq!(absent.length(data.as_bytes(), "f").unwrap(), 0, "{data}");
        }
        for header in ["y,a,b\n1,2,3\n", "a,b", "\u{feff}a,b\r\n", "\"a\", b\n", "\n\na,b\n"] {
            let error = absent.length(header.as_bytes(), "f").unwrap_err().to_string();
            assert!(error.starts_with("row 1: this looks like a header line"), "{header}: {error}");
            assert!(error.contains("text/csv;header=present"), "{error}");
        }
        let unnamed = HeaderLine::new(Header::Absent, Vec::new());
        assert_eq!(unnamed.length(b"a,b\n", "f").unwrap(), 0);
    }

    #[test]
    fn an_announced_header_line_is_skipped_if_it_has_the_names() {
        let present = HeaderLine::new(Header::Present, names(&["y,a,b", "a,b"]));
        for header in ["y,a,b\n", "a,b\n", "\u{feff}a,b\n", "\"a\",\"b\"\n"] {
            let text = format!("{header}1,2,3\n");
            assert_eq!(present.length(text.as_bytes(), "f").unwrap(), header.len(), "{header}");
        }
        let error = present.length(b"1,2,3\n", "f").unwrap_err().to_string();
        assert!(error.contains("expected a line of the names y,a,b or a,b, found 1,2,3"), "{error}");
        let unnamed = HeaderLine::new(Header::Present, Vec::new());
        assert_eq!(unnamed.length(b"p,q\n1,2\n", "f").unwrap(), 4);
        assert_eq!(unnamed.length(b"", "f").unwrap(), 0);
    }

    #[test]
    fn a_line_of_words_above_numbers_is_a_header_line_and_all_files_must_have_the_same() {
        let header = |header| HeaderLine::above_numbers(header, &Arc::default());
        for data in ["", "1,2,3\n", "1,x\n", ",,\n", "nan,inf\n"] {
            assert_eq!(header(Header::Absent).length(data.as_bytes(), "f").unwrap(), 0, "{data}");
        }
        for line in ["price,feet\n1,2\n", "\u{feff}\"price\",feet", ",feet\r\n"] {
            let error = header(Header::Absent).length(line.as_bytes(), "f").unwrap_err().to_string();
            assert!(error.contains("looks like a header line") && error.contains("--content-type"), "{error}");
        }
        let present = header(Header::Present);
        assert_eq!(present.length("\u{feff}price, feet\n1,2\n".as_bytes(), "a.csv").unwrap(), 15);
        assert_eq!(present.columns(), Some(2));
        assert_eq!(present.length(b"\"price\",feet\n1,2\n", "b.csv").unwrap(), 13);
        let error = present.length(b"feet,price\n1,2\n", "c.csv").unwrap_err().to_string();
        assert!(error.contains("of a.csv in its order, price,feet, found feet,price"), "{error}");
        for names in ["0,1\n", "price,2019\n"] {
            assert_eq!(header(Header::Present).length(names.as_bytes(), "f").unwrap(), names.len());
        }
        let error = present.length(b"1,2\n", "c.csv").unwrap_err().to_string();
        assert!(error.contains("expected a line of the names of the columns, the label's first, found 1,2"), "{error}");
    }
}

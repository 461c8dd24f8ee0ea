//! The media types that containers read and write, and the parsing of `Content-Type`.
//!
//! A media type is parsed, never compared as text: `text/csv; charset=utf-8` broke XGBoost's container
//! (github.com/aws/amazon-sagemaker-examples issue 3235), and `label_size` is SageMaker's own parameter.

use crate::error::{Cause, Error, Result};
use crate::suggest;

/// A media type that some model reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `text/csv`: a record a line, no header.
    Csv,
    /// `application/json`: one document for all records.
    Json,
    /// `application/jsonlines`: one document a line.
    JsonLines,
    /// `application/x-recordio-protobuf`: a protobuf message for each record, in frames. What SageMaker's own algorithms
    /// train on (docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html).
    RecordIoProtobuf,
    /// `application/x-npy`: numpy's own file of one array, as the decoders of SageMaker's framework containers know it
    /// (github.com/aws/sagemaker-inference-toolkit, `content_types.py`).
    Npy,
}

impl MediaType {
    /// Every media type.
    pub const ALL: &'static [MediaType] =
        &[MediaType::Csv, MediaType::Json, MediaType::JsonLines, MediaType::RecordIoProtobuf, MediaType::Npy];

    /// The name that goes into a header, lower case and without parameters.
    pub const fn name(self) -> &'static str {
        match self {
            MediaType::Csv => "text/csv",
            MediaType::Json => "application/json",
            MediaType::JsonLines => "application/jsonlines",
            MediaType::RecordIoProtobuf => "application/x-recordio-protobuf",
            MediaType::Npy => "application/x-npy",
        }
    }

    /// The media type of a name without parameters, in any case.
    pub fn from_name(name: &str) -> Option<MediaType> {
        MediaType::ALL.iter().copied().find(|media_type| name.eq_ignore_ascii_case(media_type.name()))
    }
}

/// A parsed `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// What the body is.
    pub media_type: MediaType,
    /// `label_size`: how many leading columns of each CSV record are labels (`contract.md` §5, CDFT of `linear-learner.md`).
    pub label_size: Option<usize>,
    /// Whether the first record of CSV is the names of its columns (`header=present`, RFC 4180 §3).
    pub has_header: bool,
}

impl ContentType {
    /// A media type without parameters.
    pub const fn of(media_type: MediaType) -> ContentType {
        ContentType { media_type, label_size: None, has_header: false }
    }

    /// Parses a `Content-Type` header and checks that the model reads it.
    ///
    /// Without the header the body is read as `text/csv`: boto3 sends none when the caller gave none, and CSV is what both
    /// containers of the housing walk-through are sent. No source says what SageMaker's own containers do then.
    ///
    /// # Errors
    /// [`Cause::UnsupportedMediaType`] for a type or charset that is not read, [`Cause::BadMediaType`] for a parameter that
    /// cannot be parsed.
    pub fn parse(header: Option<&str>, readable: &[MediaType]) -> Result<ContentType> {
        let header = header.map(str::trim).filter(|header| !header.is_empty());
        let Some(header) = header else {
            return Ok(ContentType::of(MediaType::Csv));
        };
        let name = header.split(';').next().unwrap_or_default().trim();
        let media_type =
            MediaType::from_name(name).filter(|media_type| readable.contains(media_type)).ok_or_else(|| {
                Error::new(
                    Cause::UnsupportedMediaType,
                    format!(
                        "Content-Type {header:?} is not supported: {}expected {}",
                        suggest::did_you_mean(name, readable.iter().map(|known| known.name())),
                        list(readable)
                    ),
                )
            })?;
        let bad = |expected: String| Error::new(Cause::BadMediaType, expected);
        let is_utf_8 =
            |charset: &&str| ["utf-8", "utf8", "us-ascii", "ascii"].contains(&&*charset.to_ascii_lowercase());
        if let Some(charset) = parameter(header, "charset")?.filter(|charset| !is_utf_8(charset)) {
            return Err(Error::new(
                Cause::UnsupportedMediaType,
                format!("charset {charset:?} of Content-Type {header:?} is not supported: expected utf-8"),
            ));
        }
        let label_size = parameter(header, "label_size")?.map(|value| {
            let wrong =
                |_| bad(format!("label_size {value:?} of Content-Type {header:?}: expected a number of columns"));
            value.parse().map_err(wrong)
        });
        let label_size = label_size.transpose()?;
        let has_header = match header_of_csv(header)? {
            CsvHeader::Present => true,
            CsvHeader::Absent => false,
            CsvHeader::Unknown(value) => {
                return Err(bad(format!("header {value:?} of Content-Type {header:?}: expected present or absent")));
            }
        };
        Ok(ContentType { media_type, label_size, has_header })
    }
}

/// What the parameter `header` of `text/csv` says (RFC 4180 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvHeader<'a> {
    /// The first record is a record; so it is where nothing is said, and for all other types.
    Absent,
    /// The first record is the names of the columns.
    Present,
    /// Another word than these two.
    Unknown(&'a str),
}

/// What a `Content-Type` says of a header line, whatever else it says.
///
/// # Errors
/// [`Cause::BadMediaType`] where it says both.
pub fn header_of_csv(content_type: &str) -> Result<CsvHeader<'_>> {
    let name = content_type.split(';').next().unwrap_or_default().trim();
    if MediaType::from_name(name) != Some(MediaType::Csv) {
        return Ok(CsvHeader::Absent);
    }
    Ok(match parameter(content_type, "header")? {
        None => CsvHeader::Absent,
        Some(value) if value.eq_ignore_ascii_case("present") => CsvHeader::Present,
        Some(value) if value.eq_ignore_ascii_case("absent") => CsvHeader::Absent,
        Some(value) => CsvHeader::Unknown(value),
    })
}

/// The value of a parameter of a `Content-Type`.
///
/// # Errors
/// [`Cause::BadMediaType`] where it is given twice with two values: readers would not agree about which one holds.
fn parameter<'a>(content_type: &'a str, name: &str) -> Result<Option<&'a str>> {
    let named = content_type.split(';').skip(1).filter_map(|parameter| {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    });
    let mut found: Option<&str> = None;
    for value in named {
        match found {
            Some(first) if !first.eq_ignore_ascii_case(value) => {
                return Err(Error::new(
                    Cause::BadMediaType,
                    format!(
                        "Content-Type {content_type:?} has {name} twice, {first:?} and {value:?}: expected one of them"
                    ),
                ));
            }
            _ => found = Some(value),
        }
    }
    Ok(found)
}

/// Media types as a person lists them.
pub fn list(media_types: &[MediaType]) -> String {
    let names: Vec<_> = media_types.iter().map(|media_type| media_type.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_parsed_and_case_and_space_do_not_matter() {
        let parsed = ContentType::parse(Some("Text/CSV ; charset=UTF-8;label_size=1"), MediaType::ALL).unwrap();
        assert_eq!(parsed, ContentType { label_size: Some(1), ..ContentType::of(MediaType::Csv) });
    }

    #[test]
    fn csv_may_begin_with_the_names_of_its_columns() {
        let has_header = |header| ContentType::parse(Some(header), MediaType::ALL).map(|parsed| parsed.has_header);
        assert!(has_header("text/csv; header=present").unwrap());
        assert!(has_header("text/csv; Header=\"Present\"; charset=utf-8").unwrap());
        assert!(!has_header("text/csv; header=absent").unwrap());
        assert!(!has_header("application/json; header=present").unwrap());
        let error = has_header("text/csv; header=true").unwrap_err();
        assert_eq!(error.cause(), Cause::BadMediaType);
        assert_eq!(
            error.message(),
            "header \"true\" of Content-Type \"text/csv; header=true\": expected present or absent"
        );
    }

    #[test]
    fn a_parameter_that_is_given_twice_says_the_same_twice() {
        let parse = |header| ContentType::parse(Some(header), MediaType::ALL);
        for (header, name, values) in [
            ("text/csv; header=present; header=absent", "header", "\"present\" and \"absent\""),
            ("text/csv;header=absent;charset=utf-8;Header=\"Present\"", "header", "\"absent\" and \"Present\""),
            ("text/csv; label_size=1; label_size=0", "label_size", "\"1\" and \"0\""),
            ("text/csv; charset=utf-8; charset=latin-1", "charset", "\"utf-8\" and \"latin-1\""),
        ] {
            let error = parse(header).unwrap_err();
            assert_eq!(error.cause(), Cause::BadMediaType, "{header}");
            let expected = format!("Content-Type {header:?} has {name} twice, {values}: expected one of them");
            assert_eq!(error.message(), expected);
        }
        assert!(
            parse("text/csv; header=present; HEADER=\"PRESENT\"; charset=utf-8; charset=UTF-8").unwrap().has_header
        );
    }

    #[test]
    fn a_missing_or_empty_header_is_csv() {
        for header in [None, Some(""), Some("  ")] {
            assert_eq!(ContentType::parse(header, MediaType::ALL).unwrap().media_type, MediaType::Csv);
        }
    }

    #[test]
    fn a_type_that_is_not_read_is_refused_with_what_was_expected() {
        let error = ContentType::parse(Some("image/png"), MediaType::ALL).unwrap_err();
        assert_eq!(error.cause(), Cause::UnsupportedMediaType);
        let slip = ContentType::parse(Some("text/cvs; header=present"), MediaType::ALL).unwrap_err();
        assert!(slip.message().contains("is not supported: did you mean text/csv? expected "), "{slip}");
        assert_eq!(
            error.message(),
            "Content-Type \"image/png\" is not supported: expected text/csv, application/json, application/jsonlines, \
             application/x-recordio-protobuf or application/x-npy"
        );
        let error = ContentType::parse(Some("text/csv; charset=utf-16"), MediaType::ALL).unwrap_err();
        assert_eq!(error.cause(), Cause::UnsupportedMediaType);
        assert_eq!(
            ContentType::parse(Some("text/csv;label_size=x"), MediaType::ALL).unwrap_err().cause(),
            Cause::BadMediaType
        );
    }
}

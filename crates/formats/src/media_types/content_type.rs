//! `Content-Type` headers.
//!
//! A header is parsed, never compared as text: `text/csv; charset=utf-8` broke XGBoost's container
//! (github.com/aws/amazon-sagemaker-examples issue 3235), and `label_size` is a parameter of SageMaker's own.

use crate::error::{Cause, Error, Result};
use crate::media_types::format::ReadOptions;
use crate::media_types::media_type::{MediaType, list};
use crate::suggest;

/// A header taken apart: any media type, and its parameters as they were written.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    text: &'a str,
}

impl<'a> Header<'a> {
    /// A header as it was sent.
    pub fn new(text: &'a str) -> Header<'a> {
        Header { text: text.trim() }
    }

    /// The media type's name without parameters, as it was written; empty if there is none.
    pub fn name(self) -> &'a str {
        self.text.split(';').next().unwrap_or_default().trim()
    }

    /// The media type, if it is one of ours.
    pub fn media_type(self) -> Option<MediaType> {
        MediaType::from_name(self.name())
    }

    /// The value of a parameter, without quotes.
    ///
    /// # Errors
    /// [`Cause::BadMediaType`] if it is given twice with different values: readers would not agree which one applies.
    pub fn parameter(self, name: &str) -> Result<Option<&'a str>> {
        let named = self.text.split(';').skip(1).filter_map(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
        });
        let mut found: Option<&str> = None;
        for value in named {
            match found {
                Some(first) if !first.eq_ignore_ascii_case(value) => {
                    let text = self.text;
                    return Err(Error::new(
                        Cause::BadMediaType,
                        format!(
                            "Content-Type {text:?} has {name} twice, {first:?} and {value:?}: expected one of them"
                        ),
                    ));
                }
                _ => found = Some(value),
            }
        }
        Ok(found)
    }

    /// The parameter `header` of `text/csv` (RFC 4180 §3); [`CsvHeader::Absent`] for all other media types.
    ///
    /// # Errors
    /// Those of [`Header::parameter`].
    pub fn csv_header(self) -> Result<CsvHeader<'a>> {
        if self.media_type() != Some(MediaType::Csv) {
            return Ok(CsvHeader::Absent);
        }
        Ok(match self.parameter("header")? {
            None => CsvHeader::Absent,
            Some(value) if value.eq_ignore_ascii_case("present") => CsvHeader::Present,
            Some(value) if value.eq_ignore_ascii_case("absent") => CsvHeader::Absent,
            Some(value) => CsvHeader::Unknown(value),
        })
    }
}

/// `did you mean text/csv? ` if the name is a misspelling of a media type. Names of one kind, such as `application/`,
/// are compared without it, because its letters would make any two of them similar.
fn meant(name: &str, readable: &[MediaType]) -> String {
    let of_kind = |kind: &str| {
        let start = format!("{kind}/");
        let known = readable.iter().map(|known| known.name());
        let subtypes: Vec<_> = known.filter_map(|known| known.strip_prefix(&start)).collect();
        (!subtypes.is_empty()).then_some(subtypes)
    };
    match name.split_once('/').and_then(|(kind, subtype)| Some((kind, subtype, of_kind(kind)?))) {
        Some((kind, subtype, subtypes)) => match suggest::nearest(subtype, subtypes) {
            Some(near) => format!("did you mean {kind}/{near}? "),
            None => String::new(),
        },
        None => suggest::did_you_mean(name, readable.iter().map(|known| known.name())),
    }
}

/// The parameter `header` of `text/csv` (RFC 4180 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvHeader<'a> {
    /// The first record holds values, as it does without the parameter.
    Absent,
    /// The first record holds the names of the columns.
    Present,
    /// Neither of the two words.
    Unknown(&'a str),
}

/// The `Content-Type` of a request, with what decides how the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// The media type of the body.
    pub media_type: MediaType,
    /// The parameters of `text/csv`.
    pub options: ReadOptions,
}

impl ContentType {
    /// A media type without parameters.
    pub const fn of(media_type: MediaType) -> ContentType {
        ContentType { media_type, options: ReadOptions { label_size: None, has_header: false } }
    }

    /// Parses a `Content-Type` header and checks that the model reads it.
    ///
    /// Without the header the body is read as `text/csv`: boto3 sends no header unless the caller passes one, and AWS's
    /// examples send CSV to both containers of an inference pipeline. What SageMaker's own containers do then is not
    /// documented.
    ///
    /// # Errors
    /// [`Cause::UnsupportedMediaType`] for a media type or charset that is not read, [`Cause::BadMediaType`] for a
    /// parameter that cannot be parsed.
    pub fn parse(header: Option<&str>, readable: &[MediaType]) -> Result<ContentType> {
        let text = header.map(str::trim).filter(|header| !header.is_empty());
        let Some(text) = text else {
            return Ok(ContentType::of(MediaType::Csv));
        };
        let header = Header::new(text);
        let known = header.media_type().filter(|media_type| readable.contains(media_type));
        let media_type = known.ok_or_else(|| {
            let meant = meant(header.name(), readable);
            let message = format!("Content-Type {text:?} is not supported: {meant}expected {}", list(readable));
            Error::new(Cause::UnsupportedMediaType, message)
        })?;
        let is_utf_8 =
            |charset: &&str| ["utf-8", "utf8", "us-ascii", "ascii"].contains(&&*charset.to_ascii_lowercase());
        if let Some(charset) = header.parameter("charset")?.filter(|charset| !is_utf_8(charset)) {
            return Err(Error::new(
                Cause::UnsupportedMediaType,
                format!("charset {charset:?} of Content-Type {text:?} is not supported: expected utf-8"),
            ));
        }
        let bad = |message: String| Error::new(Cause::BadMediaType, message);
        let label_size = header.parameter("label_size")?.map(|value| {
            let wrong = |_| bad(format!("label_size {value:?} of Content-Type {text:?}: expected a number of columns"));
            value.parse().map_err(wrong)
        });
        let has_header = match header.csv_header()? {
            CsvHeader::Present => true,
            CsvHeader::Absent => false,
            CsvHeader::Unknown(value) => {
                return Err(bad(format!("header {value:?} of Content-Type {text:?}: expected present or absent")));
            }
        };
        Ok(ContentType { media_type, options: ReadOptions { label_size: label_size.transpose()?, has_header } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_parsed_and_case_and_space_do_not_matter() {
        let parsed = ContentType::parse(Some("Text/CSV ; charset=UTF-8;label_size=1"), MediaType::ALL).unwrap();
        assert_eq!(
            parsed,
            ContentType { media_type: MediaType::Csv, options: ReadOptions { label_size: Some(1), has_header: false } }
        );
    }

    #[test]
    fn csv_may_begin_with_the_names_of_its_columns() {
        let has_header =
            |header| ContentType::parse(Some(header), MediaType::ALL).map(|parsed| parsed.options.has_header);
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
    fn a_parameter_may_be_repeated_only_with_the_same_value() {
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
            parse("text/csv; header=present; HEADER=\"PRESENT\"; charset=utf-8; charset=UTF-8")
                .unwrap()
                .options
                .has_header
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
        for (name, expected) in [
            ("application/xml", "expected text/csv"),
            ("application/jsn", "did you mean application/json? "),
            ("aplication/json", "did you mean application/json? "),
            ("application/json-lines", "did you mean application/jsonlines? "),
        ] {
            let error = ContentType::parse(Some(name), MediaType::ALL).unwrap_err();
            assert!(error.message().contains(&format!("is not supported: {expected}")), "{error}");
        }
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

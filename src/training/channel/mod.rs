//! Channels: their entries in `inputdataconfig.json`, and the readers of their data.

pub(super) mod block_source;
mod collector;
pub(super) mod csv;
pub(super) mod header_line;
pub(super) mod recordio;
pub(super) mod streams;
pub(super) mod table_source;

use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::media_types::content_type::{self, CsvHeader};
use byoc_formats::suggest;
use serde::Deserialize;

/// The configuration of a channel. Members that are not listed here do not concern a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::training) struct Channel {
    #[serde(default)]
    pub(in crate::training) training_input_mode: InputMode,
    content_type: Option<String>,
    record_wrapper_type: Option<String>,
}

/// How a channel's data reach the container.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(in crate::training) enum InputMode {
    /// Files in a folder. FastFile mode looks the same to a container.
    #[default]
    #[serde(alias = "FastFile")]
    File,
    /// A FIFO for each pass.
    Pipe,
}

/// Whether files begin with a line of column names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::training) enum Header {
    /// No header line, as SageMaker's algorithms require.
    #[default]
    Absent,
    /// `header=present` (RFC 4180).
    Present,
}

/// The format of a channel's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::training) enum Format {
    /// `text/csv`: no header, the label first.
    Csv,
    /// `application/x-recordio-protobuf`, dense or sparse.
    RecordIo,
}

impl Channel {
    /// Whether the channel has a content type.
    pub(in crate::training) fn has_content_type(&self) -> bool {
        self.content_type.as_deref().is_some_and(|header| !header.trim().is_empty())
    }

    /// A channel of files of a content type.
    pub(in crate::training) fn of_files(content_type: &str) -> Channel {
        Channel { content_type: Some(content_type.to_owned()), ..Channel::default() }
    }

    /// The content type as it was written.
    pub(in crate::training) fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or_default()
    }

    /// `label_size`: the number of columns at the left that are labels.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] if it is given twice with two values.
    pub(in crate::training) fn label_size(&self) -> Result<Option<&str>> {
        content_type::Header::new(self.content_type()).parameter("label_size").map_err(as_setting)
    }

    /// Whether files begin with a header line.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for a `header` that is neither present nor absent.
    pub(in crate::training) fn header(&self) -> Result<Header> {
        match content_type::Header::new(self.content_type()).csv_header().map_err(as_setting)? {
            CsvHeader::Absent => Ok(Header::Absent),
            CsvHeader::Present => Ok(Header::Present),
            CsvHeader::Unknown(_) => Err(Error::new(
                Cause::BadSetting,
                format!("ContentType {:?}: expected header=present or header=absent", self.content_type()),
            )),
        }
    }

    /// Refuses labels that are not in the first column: a linear learner does not read them.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with the content type.
    pub(in crate::training) fn check_label_first(&self) -> Result<()> {
        if self.label_size()?.is_some_and(|size| size != "1") {
            let expected = "expected label_size=1, the label in the first column";
            return Err(Error::new(Cause::BadSetting, format!("ContentType {:?}: {expected}", self.content_type())));
        }
        Ok(())
    }

    /// The format. Without a content type a channel is read as recordio-protobuf, as AWS's container reads it.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for another content type, and for CSV that SageMaker would wrap in RecordIO.
    pub(in crate::training) fn format(&self) -> Result<Format> {
        let refuse = |message: String| Err(Error::new(Cause::BadSetting, message));
        let header = self.content_type.as_deref().map(str::trim).filter(|header| !header.is_empty());
        let Some(header) = header else { return Ok(Format::RecordIo) };
        let name = content_type::Header::new(header).name();
        let format = match name.to_ascii_lowercase().as_str() {
            "text/csv" => Format::Csv,
            "application/x-recordio-protobuf" => Format::RecordIo,
            _ => {
                return refuse(format!(
                    "ContentType {header:?} cannot be trained on: {}expected text/csv or \
                     application/x-recordio-protobuf",
                    suggest::did_you_mean(name, ["text/csv", "application/x-recordio-protobuf"])
                ));
            }
        };
        match self.record_wrapper_type.as_deref() {
            Some("RecordIO") if format == Format::Csv => refuse(
                "RecordWrapperType RecordIO with text/csv: expected None; records are read from the text itself".into(),
            ),
            _ => Ok(format),
        }
    }
}

/// An error in a content type, which is a setting of a channel.
fn as_setting(error: Error) -> Error {
    error.because(Cause::BadSetting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(json: &str) -> Channel {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn content_types_are_parsed_and_recordio_is_the_default() {
        for (json, expected) in [
            (r#"{"ContentType": "text/csv"}"#, Format::Csv),
            (r#"{"ContentType": "text/csv;label_size=1"}"#, Format::Csv),
            (r#"{"ContentType": "text/csv; label_size=\"1\""}"#, Format::Csv),
            (r#"{"ContentType": "Text/CSV; charset=utf-8; label_size=1", "RecordWrapperType": "None"}"#, Format::Csv),
            (r#"{"ContentType": "application/x-recordio-protobuf"}"#, Format::RecordIo),
            (r#"{"RecordWrapperType": "RecordIO"}"#, Format::RecordIo),
        ] {
            assert_eq!(channel(json).format().unwrap(), expected, "{json}");
        }
        assert_eq!(channel(r#"{"TrainingInputMode": "FastFile"}"#).training_input_mode, InputMode::File);
        assert_eq!(channel(r#"{"TrainingInputMode": "Pipe"}"#).training_input_mode, InputMode::Pipe);
    }

    #[test]
    fn a_content_type_that_cannot_be_trained_on_is_refused_by_name() {
        for (json, expected) in [
            (
                r#"{"ContentType": "csv"}"#,
                "ContentType \"csv\" cannot be trained on: did you mean text/csv? expected text/csv or",
            ),
            (r#"{"ContentType": "text/csv;label_size=0"}"#, "expected label_size=1"),
            (r#"{"ContentType": "text/csv; header=yes"}"#, "expected header=present or header=absent"),
            (
                r#"{"ContentType": "text/csv", "RecordWrapperType": "RecordIO"}"#,
                "RecordWrapperType RecordIO with text/csv",
            ),
        ] {
            let channel = channel(json);
            let error =
                channel.format().and_then(|_| channel.check_label_first()).and_then(|()| channel.header()).unwrap_err();
            assert_eq!(error.cause(), Cause::BadSetting);
            assert!(error.message().contains(expected), "{error}");
        }
    }
}

//! What `inputdataconfig.json` says of a channel.

use crate::error::{Cause, Error, Result};
use serde::Deserialize;

/// A channel as it is configured. What is not listed here does not concern a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Channel {
    #[serde(default)]
    pub(super) training_input_mode: InputMode,
    content_type: Option<String>,
    record_wrapper_type: Option<String>,
}

/// How a channel's data come.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) enum InputMode {
    /// Files in a folder; as far as a container can see, a mounted folder is the same.
    #[default]
    #[serde(alias = "FastFile")]
    File,
    /// A FIFO for each walk.
    Pipe,
}

/// What a channel's data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `text/csv`: no header, the label first.
    Csv,
    /// `application/x-recordio-protobuf`, dense or sparse.
    RecordIo,
}

impl Channel {
    /// Whether it is said what the data are.
    pub(super) fn has_content_type(&self) -> bool {
        self.content_type.as_deref().is_some_and(|header| !header.trim().is_empty())
    }

    /// The format. Without a content type a channel is read as recordio-protobuf, as AWS's container reads it.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for any other, and for what would be wrapped once more.
    pub(super) fn format(&self) -> Result<Format> {
        let refuse = |message: String| Err(Error::new(Cause::BadSetting, message));
        let header = self.content_type.as_deref().map(str::trim).filter(|header| !header.is_empty());
        let Some(header) = header else { return Ok(Format::RecordIo) };
        let mut parts = header.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text/csv" => Format::Csv,
            "application/x-recordio-protobuf" => Format::RecordIo,
            _ => {
                return refuse(format!(
                    "ContentType {header:?} cannot be trained on: expected text/csv or application/x-recordio-protobuf"
                ));
            }
        };
        for parameter in parts {
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("label_size")
                && !matches!(value.trim(), "1" | "\"1\"")
            {
                return refuse(format!("ContentType {header:?}: expected label_size=1, the label in the first column"));
            }
        }
        match self.record_wrapper_type.as_deref() {
            Some("RecordIO") if format == Format::Csv => refuse(
                "RecordWrapperType RecordIO with text/csv: expected None; records are read from the text itself".into(),
            ),
            _ => Ok(format),
        }
    }
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
    fn what_cannot_be_trained_on_is_refused_by_name() {
        for (json, expected) in [
            (r#"{"ContentType": "csv"}"#, "ContentType \"csv\" cannot be trained on: expected text/csv or"),
            (r#"{"ContentType": "text/csv;label_size=0"}"#, "expected label_size=1"),
            (
                r#"{"ContentType": "text/csv", "RecordWrapperType": "RecordIO"}"#,
                "RecordWrapperType RecordIO with text/csv",
            ),
        ] {
            let error = channel(json).format().unwrap_err();
            assert_eq!(error.cause(), Cause::BadSetting);
            assert!(error.message().contains(expected), "{error}");
        }
    }
}

//! The media types that containers read and write, and the one place that registers them.

use crate::media_types::format::{Brackets, Document, Format};
use crate::media_types::pieces::Pieces;
use crate::media_types::{csv, json, jsonlines, npy, recordio};

/// Declares [`MediaType`]: a line for each media type, with its [`Format`].
macro_rules! media_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $format:path;)*) => {
        /// A media type that a model reads or writes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MediaType {
            $($(#[$doc])* $variant,)*
        }

        impl MediaType {
            /// Every media type.
            pub const ALL: &'static [MediaType] = &[$(MediaType::$variant),*];

            /// The name in a header: lower case, without parameters.
            pub const fn name(self) -> &'static str {
                match self {
                    $(MediaType::$variant => $name,)*
                }
            }

            /// Its reader and writer.
            pub(crate) fn format(self) -> &'static dyn Format {
                match self {
                    $(MediaType::$variant => &$format,)*
                }
            }
        }
    };
}

media_types! {
    /// `text/csv`: a record on each line.
    Csv = "text/csv", csv::Csv;
    /// `application/json`: one document for all rows.
    Json = "application/json", json::Json;
    /// `application/jsonlines`: a document on each line.
    JsonLines = "application/jsonlines", jsonlines::JsonLines;
    /// `application/x-recordio-protobuf`: a protobuf message for each row, in frames; the training format of
    /// SageMaker's own algorithms (docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html).
    RecordIoProtobuf = "application/x-recordio-protobuf", recordio::RecordIoProtobuf;
    /// `application/x-npy`: numpy's file of one array, as SageMaker's framework containers decode it
    /// (github.com/aws/sagemaker-inference-toolkit, `content_types.py`).
    Npy = "application/x-npy", npy::Npy;
}

impl MediaType {
    /// The media type with this name: any case, without parameters.
    pub fn from_name(name: &str) -> Option<MediaType> {
        MediaType::ALL.iter().copied().find(|media_type| name.eq_ignore_ascii_case(media_type.name()))
    }

    /// An upper bound on the number of rows of `columns` columns that a body has. For text it is close to the number,
    /// and takes as long as searching for a byte.
    pub fn max_rows(self, body: &[u8], columns: usize) -> usize {
        self.format().max_rows(body, columns).min(body.len() + 1)
    }

    /// Where a large body may be cut into pieces; `None` if it cannot be cut.
    pub fn pieces(self) -> Option<Pieces> {
        self.format().pieces()
    }

    /// What begins and ends an answer.
    pub fn brackets(self, document: Document) -> Brackets {
        self.format().brackets(document)
    }

    /// Whether the start of an answer holds the number of all its rows.
    pub fn starts_with_row_count(self) -> bool {
        self.format().starts_with_row_count()
    }
}

/// The names of media types as a sentence lists them: `a, b or c`.
pub fn list(media_types: &[MediaType]) -> String {
    let names: Vec<_> = media_types.iter().map(|media_type| media_type.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

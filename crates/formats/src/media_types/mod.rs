//! Media types: bytes to rows on the way in, features and scores to bytes on the way out.
//!
//! One file or folder for each media type. Nothing here knows models, HTTP beyond the two headers that name a media type, or
//! where the bytes come from.

pub mod answer;
pub mod csv;
pub mod json;
pub mod jsonlines;
pub mod media_type;
mod most_rows;
pub mod negotiation;
pub mod npy;
pub(crate) mod number;
pub(crate) mod numeric_csv;
pub mod pieces;
pub mod recordio;

pub use answer::{AnswerWriter, Document, Part};
pub use media_type::{ContentType, CsvHeader, MediaType, header_of_csv};
pub use most_rows::most_rows;
pub use negotiation::negotiate;
pub use number::write_f64 as write_number;

/// What Windows' editors and .NET put before text in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A body's text without a byte order mark, and at which byte of the body it begins.
pub(crate) fn without_byte_order_mark(body: &[u8]) -> (&[u8], usize) {
    match body.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => (text, BYTE_ORDER_MARK.len()),
        None => (body, 0),
    }
}

/// A piece of a body as an error message shows it: quoted, and not longer than a line.
pub(crate) fn shown(text: &[u8]) -> String {
    const LONGEST: usize = 40;
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

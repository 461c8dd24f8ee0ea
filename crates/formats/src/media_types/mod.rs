//! Media types: bytes to rows in requests, features and predictions to bytes in answers.
//!
//! A folder or file for each media type implements the trait of [`mod@format`], and [`media_type`] registers it.
//! [`read`], [`answer`] and [`pieces`] work with all of them. Nothing here knows models, where the bytes come from, or
//! HTTP beyond the two headers that name a media type: [`content_type`] and [`negotiation`].

pub mod answer;
mod byte_order_mark;
pub mod content_type;
pub mod csv;
pub mod format;
mod json;
mod jsonlines;
#[cfg(test)]
mod max_rows_test;
pub mod media_type;
pub mod negotiation;
mod npy;
mod numeric;
pub mod pieces;
pub mod prediction_style;
#[cfg(test)]
mod prediction_test;
pub mod read;
pub mod recordio;
mod sparse_row;

pub use answer::{AnswerWriter, Part};
pub use content_type::ContentType;
pub use media_type::MediaType;
pub use negotiation::negotiate;

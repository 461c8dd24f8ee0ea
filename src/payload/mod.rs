//! Media types: bytes to rows on the way in, features and scores to bytes on the way out.
//!
//! One file for each media type, one for each shape that rows take. This room knows nothing of models, of HTTP beyond the
//! two headers that name a media type, or of where the bytes come from.

pub mod csv;
pub mod media_type;
pub mod table;

pub use media_type::{ContentType, MediaType};

//! A request as it arrived: its id and its time.

use std::time::Instant;

use reqwest::header::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries a request's id to containers, under the name that a client gets it by. The platform's own way is not
/// documented; a container that does not know the header passes over it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The header that tells a container which request it works on.
pub(super) fn request_id(id: Uuid) -> (HeaderName, HeaderValue) {
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    // Digits, letters and hyphens.
    (REQUEST_ID, HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// A request that has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) id: Uuid,
    pub(super) at: Instant,
}

impl Arrival {
    pub(super) fn now(id: Uuid) -> Arrival {
        Arrival { id, at: Instant::now() }
    }
}

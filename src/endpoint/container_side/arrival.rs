//! A request as it arrived: its id and its time.

use std::time::Instant;

use reqwest::header::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header with a request's id for containers, under the same name as in responses to clients. SageMaker's own
/// header is not documented; a container that does not know this header ignores it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The header with the request's id.
pub(super) fn request_id(id: Uuid) -> (HeaderName, HeaderValue) {
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    // Digits, letters and hyphens.
    (REQUEST_ID, HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// A request that has arrived.
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

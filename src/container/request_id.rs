//! The id of a request, which its response and its log lines have.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

/// The header in which an endpoint sends its request id, which its own caller gets as RequestId.
const SAGEMAKER_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The longest id that is accepted from a caller, in bytes, since it is written to the log.
const MAX_LENGTH: usize = 64;

/// The id of a request: the endpoint's if it sends one, so that its log and ours can be joined, otherwise a new one.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id that the request has, or a new one if it has none that is valid.
    pub(super) fn of(request: &HttpRequest) -> RequestId {
        match request.headers().get(SAGEMAKER_REQUEST_ID).filter(|given| is_id(given.as_bytes())) {
            Some(given) => RequestId(given.clone()),
            None => RequestId::new(),
        }
    }

    /// A new random id.
    pub(super) fn new() -> RequestId {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        // A UUID has only digits, letters and hyphens, so it is a valid header value.
        RequestId(HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("")))
    }

    /// The id as a header's value.
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_id(text: &[u8]) -> bool {
    (1..=MAX_LENGTH).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl FromRequest for RequestId {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<RequestId, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(RequestId::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_valid_id_is_kept_and_an_invalid_one_is_replaced() {
        let of = |given: &str| {
            RequestId::of(&TestRequest::get().insert_header(("X-Amzn-RequestId", given)).to_http_request()).to_string()
        };
        for good in ["3f2504e0-4f89-11d3-9a0c-0305e82c3301", "a", "A_1.b"] {
            assert_eq!(of(good), good);
        }
        for bad in ["", "two words", "a\tb", "ü", "{a}", &"x".repeat(65)] {
            let id = of(bad);
            assert!(Uuid::parse_str(&id).is_ok(), "{bad:?} gives {id}");
        }
        let none = RequestId::of(&TestRequest::get().to_http_request()).to_string();
        assert_ne!(none, RequestId::new().to_string());
    }
}

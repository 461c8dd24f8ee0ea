//! The id under which a request's answer and the log know it.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

/// What an endpoint calls the request: what its own caller gets as RequestId.
const SAGEMAKER_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// No id is longer: whoever calls may write what it likes there, and the log shows it.
const MAX_LENGTH: usize = 64;

/// The id of a request: the endpoint's, so that its log, ours and what its caller got can be joined; else a new one.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id of this request.
    pub(super) fn of(request: &HttpRequest) -> RequestId {
        match request.headers().get(SAGEMAKER_REQUEST_ID).filter(|given| is_id(given.as_bytes())) {
            Some(given) => RequestId(given.clone()),
            None => RequestId::new(),
        }
    }

    /// The id of a request that has none.
    pub(super) fn new() -> RequestId {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        // Digits, letters and hyphens.
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
    fn an_id_is_the_one_that_came_if_it_can_be_one_and_else_a_new_one() {
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

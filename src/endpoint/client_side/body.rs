//! A request's body: taken whole, within the size and the time that a request has.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};

use super::aws_error::AwsError;
use super::services::Services;
use crate::endpoint::limits::Limits;

/// A request's body, or why there is none: too large, cut short, or not there in time.
pub(super) struct Body(pub(super) Result<Bytes, AwsError>);

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Body, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<Data<Services>>().map_or_else(Limits::default, |services| services.limits);
        let arriving = Bytes::from_request(request, payload);
        // Whoever stops in the middle of a body would hold the connection, and its part of the body, for ever.
        let limit = limits.call.container_timeout;
        Box::pin(async move {
            Ok(Body(match tokio::time::timeout(limit, arriving).await {
                Ok(arrived) => arrived.map_err(|error| unreadable(&error, &limits)),
                Err(_) => Err(AwsError::validation(format!(
                    "The request body did not arrive within {} s; send as many bytes as Content-Length announces.",
                    limit.as_secs()
                ))),
            }))
        })
    }
}

fn unreadable(error: &actix_web::Error, limits: &Limits) -> AwsError {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => AwsError::payload_too_large(limits.request_bytes),
        _ => AwsError::validation(format!("The request body could not be read: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;
    use actix_web::web::PayloadConfig;
    use futures_util::stream::{self, StreamExt as _};

    use super::*;
    use crate::endpoint::container_side::CallLimits;

    async fn taken(payload: Payload) -> Result<Bytes, String> {
        let call = CallLimits { container_timeout: Duration::from_millis(20), ..CallLimits::default() };
        let limits = Limits { request_bytes: 4, call };
        let request = TestRequest::default()
            .app_data(PayloadConfig::new(limits.request_bytes))
            .app_data(Data::new(Services::new([], limits, None)))
            .to_http_request();
        let body = Body::from_request(&request, &mut { payload }).await.unwrap();
        body.0.map_err(|error| format!("{error:?}"))
    }

    fn pieces(pieces: &'static [&'static str]) -> impl stream::Stream<Item = Result<Bytes, PayloadError>> + Unpin {
        stream::iter(pieces).map(|piece| Ok(Bytes::from(*piece)))
    }

    #[actix_web::test]
    async fn a_body_is_taken_whole_or_refused_with_the_reason() {
        let stream = |boxed| Payload::Stream { payload: boxed };
        assert_eq!(taken(stream(pieces(&["ab", "cd"]).boxed_local())).await.unwrap(), "abcd");
        let error = taken(stream(pieces(&["ab", "cde"]).boxed_local())).await.unwrap_err();
        assert!(error.contains("exceeded 4 bytes"), "{error}");
        let stalled = pieces(&["ab"]).chain(stream::pending());
        let error = taken(stream(stalled.boxed_local())).await.unwrap_err();
        assert!(error.contains("did not arrive within 0 s"), "{error}");
        let cut = pieces(&["ab"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        let error = taken(stream(cut.boxed_local())).await.unwrap_err();
        assert!(error.contains("could not be read"), "{error}");
    }
}

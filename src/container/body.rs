//! Bodies on their way in and out: taken whole within the time that a request has, given in pieces.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};

use crate::container::services::Services;
use crate::error::{Cause, Error, Result};

/// A request's body, or why there is none: too large, cut short, encoded, or not there in time.
pub(super) struct Body(pub(super) Result<Bytes>);

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Arriving;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Arriving {
        let limits =
            request.app_data::<Data<Services>>().map(|services| (services.max_request_bytes, services.timeout));
        let (limit, timeout) = limits.unwrap_or((0, Duration::ZERO));
        Arriving {
            bytes: Bytes::from_request(request, payload),
            limit,
            timeout,
            deadline: None,
            encoding: encoding(request),
        }
    }
}

/// What the body is encoded with, if it is.
fn encoding(request: &HttpRequest) -> Option<String> {
    let encoding = request.headers().get(CONTENT_ENCODING)?;
    (!encoding.as_bytes().eq_ignore_ascii_case(b"identity")).then(|| format!("{encoding:?}"))
}

/// A body that is being taken.
pub(super) struct Arriving {
    bytes: <Bytes as FromRequest>::Future,
    limit: usize,
    timeout: Duration,
    /// Set once the body is not there at once, as that of nearly every request is.
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
    encoding: Option<String>,
}

impl Future for Arriving {
    type Output = Result<Body, actix_web::Error>;

    fn poll(mut self: Pin<&mut Arriving>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(bytes) = Pin::new(&mut self.bytes).poll(context) {
            let body = match (bytes, self.encoding.take()) {
                (_, Some(encoding)) => Err(encoded(&encoding)),
                (Ok(bytes), None) => Ok(bytes),
                (Err(error), None) => Err(not_taken(&error, self.limit)),
            };
            return Poll::Ready(Ok(Body(body)));
        }
        let timeout = self.timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(Body(Err(not_in_time(timeout)))));
        }
        Poll::Pending
    }
}

pub(super) fn not_in_time(timeout: Duration) -> Error {
    let message = format!("the body did not arrive within {} s: send as many bytes as announced", timeout.as_secs());
    Error::new(Cause::RequestTimeout, message)
}

pub(super) fn too_large(limit: usize) -> Error {
    let message = format!(
        "the body is larger than {limit} bytes: send fewer rows a request, or raise SAGEMAKER_MAX_REQUEST_SIZE"
    );
    Error::new(Cause::PayloadTooLarge, message)
}

/// Refuses a body that is encoded: bodies are read as they are.
pub(super) fn check_encoding(request: &HttpRequest) -> Result<()> {
    encoding(request).map_or(Ok(()), |encoding| Err(encoded(&encoding)))
}

fn encoded(encoding: &str) -> Error {
    let message = format!("Content-Encoding {encoding} is not supported: send the body as it is");
    Error::new(Cause::UnsupportedMediaType, message)
}

pub(super) fn not_taken(error: &actix_web::Error, limit: usize) -> Error {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => too_large(limit),
        Some(PayloadError::Incomplete(_)) => {
            Error::bad_payload("the connection was closed before the whole body had arrived")
        }
        _ => Error::bad_payload(format!("the body did not arrive whole: {error}")),
    }
}

/// An answer in pieces. Given whole, a large one would be copied and sent in one go while every other connection of its
/// thread waits.
pub(super) struct Pieces(Bytes);

pub(super) const PIECE: usize = 64 << 10;

impl Pieces {
    pub(super) fn new(body: Vec<u8>) -> Pieces {
        Pieces(Bytes::from(body))
    }
}

impl MessageBody for Pieces {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(self.0.split_to(length))))
    }
}

//! Reads whole request bodies, within limits of time and memory.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::Stream as _;

use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::http::list_header::list_header;
use crate::leased_bytes::{self, InsufficientMemory, MemoryShare};

/// A request's body, or why it was refused: too large, incomplete, encoded, or too late.
pub(super) struct Body(pub(super) Result<Bytes>);

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = BodyFuture;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> BodyFuture {
        let Some(services) = request.app_data::<Data<Services>>() else {
            let missing = Error::new(Cause::Internal, "the services of this container are missing");
            return BodyFuture::of(payload.take(), 0, Duration::ZERO, BodyState::Refused(missing));
        };
        let (limit, timeout) = (services.max_request_bytes, services.timeout);
        let content_length = content_length(request);
        let bodies = &services.accounts.bodies;
        let state = match (encoding(request), content_length) {
            (Some(encoding), _) => BodyState::Refused(unsupported_encoding(&encoding)),
            (None, Some(length)) if length > limit => BodyState::Refused(too_large(limit)),
            (None, Some(length)) if length as u64 > bodies.max_body_bytes() => {
                BodyState::Refused(exceeds_memory(bodies.max_body_bytes()))
            }
            (None, length) => BodyState::Empty { share: bodies.clone(), content_length: length },
        };
        BodyFuture::of(payload.take(), limit, timeout, state)
    }
}

/// The body's length in bytes, by the Content-Length header.
fn content_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The Content-Encoding header in quotes, if it lists a coding other than `identity` (RFC 9110, section 8.4).
fn encoding(request: &HttpRequest) -> Option<String> {
    let list = list_header(request.headers(), CONTENT_ENCODING)?;
    let is_identity = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"identity");
    (!list.split(|byte| *byte == b',').all(is_identity)).then(|| format!("{:?}", String::from_utf8_lossy(&list)))
}

/// Reads a body until it ends, its limit is exceeded, or the timeout passes.
pub(super) struct BodyFuture {
    payload: Payload,
    state: BodyState,
    limit: usize,
    timeout: Duration,
    /// Set once the body has to be waited for, which is rare.
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// What has been read of a body so far.
enum BodyState {
    /// The body was refused; nothing more is read.
    Refused(Error),
    Empty {
        share: MemoryShare,
        content_length: Option<usize>,
    },
    /// Only the first chunk, which is nearly always the whole body.
    First {
        share: MemoryShare,
        content_length: Option<usize>,
        first: Bytes,
    },
    More(leased_bytes::LeasedBuffer),
}

impl BodyState {
    fn push(self, piece: Bytes, limit: usize) -> Result<BodyState> {
        match self {
            BodyState::Refused(error) => Err(error),
            BodyState::Empty { share, content_length } => Ok(BodyState::First { share, content_length, first: piece }),
            BodyState::First { share, content_length, first } => {
                let mut buffer = match content_length {
                    Some(length) => leased_bytes::LeasedBuffer::new(&share, length),
                    None => leased_bytes::LeasedBuffer::of_unknown_size(&share, limit),
                };
                buffer.push(&first).and_then(|()| buffer.push(&piece)).map_err(insufficient_memory)?;
                Ok(BodyState::More(buffer))
            }
            BodyState::More(mut buffer) => {
                buffer.push(&piece).map_err(insufficient_memory)?;
                Ok(BodyState::More(buffer))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            BodyState::Refused(_) | BodyState::Empty { .. } => 0,
            BodyState::First { first, .. } => first.len(),
            BodyState::More(buffer) => buffer.len(),
        }
    }

    fn finish(self) -> Result<Bytes> {
        match self {
            BodyState::Refused(error) => Err(error),
            BodyState::Empty { .. } => Ok(Bytes::new()),
            BodyState::First { first, .. } => Ok(first),
            BodyState::More(buffer) => Ok(buffer.finish()),
        }
    }
}

impl BodyFuture {
    fn of(payload: Payload, limit: usize, timeout: Duration, state: BodyState) -> BodyFuture {
        BodyFuture { payload, state, limit, timeout, deadline: None }
    }

    /// Takes the state, so that its memory is released before the response is sent.
    fn take(&mut self) -> BodyState {
        std::mem::replace(&mut self.state, BodyState::Refused(Error::new(Cause::Internal, "the body has been taken")))
    }
}

impl Future for BodyFuture {
    type Output = Result<Body, actix_web::Error>;

    fn poll(mut self: Pin<&mut BodyFuture>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let BodyState::Refused(_) = self.state {
            return Poll::Ready(Ok(Body(self.take().finish())));
        }
        loop {
            let taken = match Pin::new(&mut self.payload).poll_next(context) {
                Poll::Pending => break,
                Poll::Ready(None) => return Poll::Ready(Ok(Body(self.take().finish()))),
                Poll::Ready(Some(Err(error))) => Err(read_error(&error.into(), self.limit)),
                Poll::Ready(Some(Ok(piece))) if self.state.len() + piece.len() > self.limit => {
                    Err(too_large(self.limit))
                }
                Poll::Ready(Some(Ok(piece))) => {
                    let limit = self.limit;
                    self.take().push(piece, limit)
                }
            };
            match taken {
                Ok(state) => self.state = state,
                Err(error) => return Poll::Ready(Ok(Body(Err(error)))),
            }
        }
        let timeout = self.timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(Body(Err(timed_out(timeout)))));
        }
        Poll::Pending
    }
}

fn insufficient_memory(error: InsufficientMemory) -> Error {
    match error {
        InsufficientMemory::NeverFits(max_bytes) => exceeds_memory(max_bytes),
        InsufficientMemory::NotNow => {
            Error::new(Cause::Unavailable, "other requests hold the memory that this body needs: send it again later")
        }
    }
}

fn exceeds_memory(max_bytes: u64) -> Error {
    let message = format!(
        "the body is larger than {max_bytes} bytes, the most that this container has memory for: send fewer rows per \
         request, or give the container more memory"
    );
    Error::new(Cause::PayloadTooLarge, message)
}

pub(super) fn timed_out(timeout: Duration) -> Error {
    let message =
        format!("the body did not arrive within {} s: send as many bytes as Content-Length says", timeout.as_secs());
    Error::new(Cause::RequestTimeout, message)
}

pub(super) fn too_large(limit: usize) -> Error {
    let message = format!(
        "the body is larger than {limit} bytes: send fewer rows per request, or raise SAGEMAKER_MAX_REQUEST_SIZE"
    );
    Error::new(Cause::PayloadTooLarge, message)
}

/// Returns an error if the body is encoded.
pub(super) fn check_encoding(request: &HttpRequest) -> Result<()> {
    encoding(request).map_or(Ok(()), |encoding| Err(unsupported_encoding(&encoding)))
}

fn unsupported_encoding(encoding: &str) -> Error {
    let message = format!("Content-Encoding {encoding} is not supported: send the body without an encoding");
    Error::new(Cause::UnsupportedMediaType, message)
}

pub(super) fn read_error(error: &actix_web::Error, limit: usize) -> Error {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => too_large(limit),
        Some(PayloadError::Incomplete(_)) => {
            Error::bad_payload("the connection was closed before the whole body had arrived")
        }
        // actix's error cannot be the source, since it is not `Send`.
        _ => Error::bad_payload(format!("the body could not be read completely: {error}")),
    }
}

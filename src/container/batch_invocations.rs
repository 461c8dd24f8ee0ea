//! Invocations of a batch transform job: a body of any size is answered while it arrives.
//!
//! A body of up to [`MAX_BUFFERED_BODY`] bytes is read completely and answered like any other. A larger body is cut
//! into pieces ([`byoc_formats::media_types::pieces`]), and a worker answers each piece once it has arrived. This takes
//! the memory of a few pieces, however large the body is.
//!
//! An error in the first piece gets an ordinary error response. After that the response has begun: an error aborts it,
//! and the log gives the reason.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use byoc_account::{Allowance, Lease};
use bytes::Buf as _;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::container::body;
use crate::container::counters::{self, Route};
use crate::container::registry::LoadedModel;
use crate::container::registry::SINGLE_MODEL;
use crate::container::reply::Reply;
use crate::container::request_id::RequestId;
use crate::container::respond;
use crate::container::routes::{accept, text_header};
use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::http::response_body::CHUNK_SIZE;
use crate::model::PiecewiseInvocation;
use crate::telemetry::logs::ANSWER_BROKEN_OFF;
use byoc_formats::error::chain;
use byoc_formats::media_types::pieces::Pieces;

/// The largest body that is answered as a whole, in bytes. SageMaker's default payload is about a third of it.
const MAX_BUFFERED_BODY: usize = 16 << 20;
/// The largest body that cannot be cut, such as a JSON document, in bytes: SageMaker's largest payload.
const MAX_DOCUMENT: usize = 100 << 20;
/// How many answers to pieces may wait to be sent.
const MAX_QUEUED_ANSWERS: usize = 1;
/// How many bytes of a body of any length are read while the client does not read the answer: a few pieces. A client
/// that streams a whole object reads while it sends, as batch transform does.
const MAX_READ_AHEAD: usize = 12 << 20;
/// The same for a body whose Content-Length is at most this size, that of SageMaker's largest payload. Such a body is
/// read to its end, because many clients read nothing before they have sent everything, and both sides would wait
/// forever.
const MAX_ANNOUNCED_READ_AHEAD: usize = 100 << 20;

/// How long to wait before a piece is tried again if other requests hold the memory that it needs.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// `POST /invocations` in a batch transform job.
pub(super) async fn invocations(request: HttpRequest, payload: Payload, services: Data<Services>) -> HttpResponse {
    let started = std::time::Instant::now();
    let response = match answer(&request, payload, services).await {
        Ok(response) => response,
        Err(error) => respond::error(&error, &RequestId::of(&request)),
    };
    counters::count_response(Route::Invocation, response, Some(started))
}

async fn answer(request: &HttpRequest, payload: Payload, services: Data<Services>) -> Result<HttpResponse> {
    body::check_encoding(request)?;
    let model = services.single_model.get().ok_or_else(|| Error::new(Cause::Unavailable, "Models are not loaded"))?;
    let model = Arc::clone(model);
    let (content_type, accept) = (text_header(request, &CONTENT_TYPE)?, accept(request)?);
    let accept = accept.as_deref();
    let mut body = IncomingBody::new(payload, services.clone());
    if body.read_until(MAX_BUFFERED_BODY + 1).await? {
        let (body, _lease) = body.finish();
        let reply = services.invoke(SINGLE_MODEL, model, content_type, accept, body).await?;
        return Ok(respond::reply(reply, services.timeout));
    }
    let exchange = model.model.negotiate(content_type, accept, services.default_accept)?;
    // A header line or a row count would be only in the first piece.
    let needs_whole_body = exchange.writes.starts_with_row_count() || exchange.reads.options.has_header;
    let pieces = exchange.reads.media_type.pieces().filter(|_| !needs_whole_body);
    let Some(pieces) = pieces else {
        if !body.read_until(MAX_DOCUMENT + 1).await? {
            let message = format!(
                "the body is larger than {MAX_DOCUMENT} bytes, the limit for {} to {}: send text/csv or \
                 application/jsonlines, which can be larger (without header=present)",
                exchange.reads.media_type.name(),
                exchange.writes.name()
            );
            return Err(Error::new(Cause::PayloadTooLarge, message));
        }
        let (body, _lease) = body.finish();
        let reply = services.invoke(SINGLE_MODEL, model, content_type, accept, body).await?;
        return Ok(respond::reply(reply, services.timeout));
    };
    let length = text_header(request, &CONTENT_LENGTH)?.and_then(|length| length.trim().parse::<usize>().ok());
    let max_read_ahead = match length {
        Some(length) if length <= MAX_ANNOUNCED_READ_AHEAD => MAX_ANNOUNCED_READ_AHEAD,
        _ => MAX_READ_AHEAD,
    };
    let mut streamed = StreamedInvocation {
        max_read_ahead,
        body,
        pieces,
        progress: PiecewiseInvocation::new(exchange),
        model,
        has_cut_last: false,
        read_error: None,
    };
    let first = streamed.next().await?.unwrap_or_default();
    let (answers, received) = channel(MAX_QUEUED_ANSWERS);
    actix_web::rt::spawn(streamed.send_all(answers, RequestId::of(request)));
    let body = StreamedBody { received, waiting: VecDeque::from(first) };
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, exchange.writes.name())).body(body))
}

/// A request body that is being received.
struct IncomingBody {
    payload: Payload,
    services: Data<Services>,
    buffer: BytesMut,
    /// The memory of `buffer`.
    lease: Lease,
    /// How many bytes have arrived in total.
    total_bytes: usize,
    has_ended: bool,
}

impl IncomingBody {
    fn new(payload: Payload, services: Data<Services>) -> IncomingBody {
        let lease = Lease::empty(&services.accounts.requests);
        IncomingBody { payload, services, buffer: BytesMut::new(), lease, total_bytes: 0, has_ended: false }
    }

    /// The bytes that have arrived and are not answered yet, and their memory.
    fn finish(self) -> (Bytes, Lease) {
        (self.buffer.freeze(), self.lease)
    }

    /// Leases memory for `bytes` more bytes. A full buffer doubles in size.
    fn reserve_leased(&mut self, bytes: usize) -> Result<()> {
        let needed = self.buffer.len().saturating_add(bytes);
        if needed as u64 > self.lease.bytes() {
            let twice = (needed as u64).saturating_mul(2).saturating_sub(self.lease.bytes());
            self.lease.grow(twice).map_err(|shortage| {
                let message =
                    format!("other requests hold the memory that this body needs: {shortage}; send it again later");
                Error::new(Cause::Unavailable, message)
            })?;
            self.buffer.reserve(bytes);
        }
        Ok(())
    }

    /// Reads more of the body. Returns whether it has ended.
    async fn read_more(&mut self) -> Result<bool> {
        if self.has_ended {
            return Ok(true);
        }
        let (limit, timeout) = (self.services.max_request_bytes, self.services.timeout);
        let next = tokio::time::timeout(timeout, self.payload.next()).await;
        match next.map_err(|_| body::timed_out(timeout))? {
            None => {
                self.has_ended = true;
                Ok(true)
            }
            Some(Ok(bytes)) => {
                self.total_bytes += bytes.len();
                if self.total_bytes > limit {
                    return Err(body::too_large(limit));
                }
                self.reserve_leased(bytes.len())?;
                self.buffer.extend_from_slice(&bytes);
                Ok(false)
            }
            Some(Err(error)) => Err(body::read_error(&error.into(), limit)),
        }
    }

    /// Reads until the buffer has `bytes` bytes. Returns whether the body ended before that.
    async fn read_until(&mut self, bytes: usize) -> Result<bool> {
        while self.buffer.len() < bytes {
            if self.read_more().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// An invocation that is answered piece by piece.
struct StreamedInvocation {
    body: IncomingBody,
    pieces: Pieces,
    progress: PiecewiseInvocation,
    model: Arc<LoadedModel>,
    has_cut_last: bool,
    /// How many bytes to read while the client does not read the answer.
    max_read_ahead: usize,
    /// An error that occurred while reading ahead. It is reported after the pieces that arrived before it.
    read_error: Option<Error>,
}

impl StreamedInvocation {
    /// The answer to the next piece, in parts; `None` after the last piece.
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>> {
        if self.has_cut_last {
            return Ok(None);
        }
        let piece = loop {
            if let Some(end) = self.pieces.cut(&self.body.buffer) {
                // A copy, since a slice would keep the whole buffer in memory.
                let piece = Bytes::copy_from_slice(self.body.buffer.get(..end).unwrap_or_default());
                self.body.buffer.advance(end);
                break piece;
            }
            if let Some(error) = self.read_error.take() {
                return Err(error);
            }
            if self.body.read_more().await? {
                self.has_cut_last = true;
                break self.body.buffer.split().freeze();
            }
        };
        let is_first = self.progress.is_new();
        let until = Instant::now() + self.body.services.timeout;
        let answer = loop {
            let answer = self.answer(piece.clone()).await;
            // The response has begun, so the client cannot retry: wait until other requests release memory.
            let is_memory_busy = matches!(&answer, Err(error) if error.cause() == Cause::Unavailable);
            if is_first || !is_memory_busy || Instant::now() >= until {
                break answer;
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        };
        answer.map(Some)
    }

    async fn answer(&mut self, piece: Bytes) -> Result<Vec<Bytes>> {
        let (mut progress, model, is_last) = (self.progress, Arc::clone(&self.model), self.has_cut_last);
        let writes = progress.exchange().writes;
        let work = move |allowance: Allowance| {
            allowance.take(piece.len())?;
            let pieces = progress.answer(&model.model, &piece, is_last, (model.seen.get(), &allowance))?;
            Ok((progress, Reply::new(writes, pieces, allowance)?))
        };
        let (progress, reply) = self.body.services.run(SINGLE_MODEL, work).await?;
        self.progress = progress;
        Ok(reply.parts)
    }

    async fn send_all(mut self, answers: Sender<Result<Vec<Bytes>, AnswerAborted>>, id: RequestId) {
        loop {
            // Wait for a free slot before computing an answer, which may be several times as large as its piece.
            let slot = {
                let mut reserving = std::pin::pin!(answers.reserve());
                loop {
                    let may_read = !self.body.has_ended
                        && self.read_error.is_none()
                        && self.body.buffer.len() < self.max_read_ahead;
                    tokio::select! {
                        biased;
                        slot = &mut reserving => break slot,
                        read = self.body.read_more(), if may_read => self.read_error = read.err(),
                    }
                }
            };
            // The receiver is dropped when the client disconnects.
            let Ok(slot) = slot else { return };
            match self.next().await {
                Ok(None) => return,
                Ok(Some(answer)) => slot.send(Ok(answer)),
                Err(error) => {
                    log::error!("{ANSWER_BROKEN_OFF}{} (request {id})", chain(&error));
                    slot.send(Err(AnswerAborted));
                    return;
                }
            }
        }
    }
}

/// The error that closes the connection of an aborted answer. The log has the reason.
#[derive(Debug)]
struct AnswerAborted;

impl std::fmt::Display for AnswerAborted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the response was aborted")
    }
}

impl std::error::Error for AnswerAborted {}

/// The response body, in chunks that are small enough for the thread's other connections to get their turn.
struct StreamedBody {
    received: Receiver<Result<Vec<Bytes>, AnswerAborted>>,
    waiting: VecDeque<Bytes>,
}

impl MessageBody for StreamedBody {
    type Error = AnswerAborted;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, AnswerAborted>>> {
        loop {
            if let Some(part) = self.waiting.front_mut() {
                if part.len() > CHUNK_SIZE {
                    return Poll::Ready(Some(Ok(part.split_to(CHUNK_SIZE))));
                }
                match self.waiting.pop_front() {
                    Some(part) if !part.is_empty() => return Poll::Ready(Some(Ok(part))),
                    _ => continue,
                }
            }
            match self.received.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(aborted))) => return Poll::Ready(Some(Err(aborted))),
                Poll::Ready(Some(Ok(parts))) => self.waiting = parts.into(),
            }
        }
    }
}

//! One invocation: sends a payload through all containers, and retries where that can help.
//!
//! The response of one container is streamed to the next, so that it is never held in memory as a whole. Content-Type
//! and Accept are sent as in an inference pipeline: the job's to the first and the last container, and between
//! containers that of the response (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-batch.html).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Body, Response};

use super::Model;
use super::record_error::{ErrorBody, RecordError, leading_place};
use crate::error::{Error, Result};
use crate::leased_bytes::MemoryShare;
use crate::platform::http::{self, read_body};
use crate::telemetry::logs::ANSWER_BROKEN_OFF;
use crate::transform::output::Draft;
use byoc_formats::error::{Place, chain};

/// The most bytes that are read of an error response.
const ERROR_LIMIT: usize = 64 << 10;
/// The most characters of it that a message quotes.
const QUOTED: usize = 500;
/// The pause before an invocation is tried again. It doubles each time.
const PAUSE: Duration = Duration::from_millis(100);
/// The size of the pieces in which a payload is passed to its connection, in bytes.
const PIECE: usize = 128 << 10;

/// Invokes the containers of a job.
#[derive(Clone, Debug)]
pub(in crate::transform) struct Invoker {
    pub(in crate::transform) model: Arc<Model>,
    pub(in crate::transform) content_type: Option<HeaderValue>,
    pub(in crate::transform) accept: Option<HeaderValue>,
    pub(in crate::transform) timeout: Duration,
    pub(in crate::transform) retries: u32,
}

/// Why an invocation failed.
#[derive(Debug)]
pub(in crate::transform) enum TransformError {
    /// These records failed; the job continues with others.
    Records(RecordError),
    /// The job cannot go on.
    Job(Error),
}

/// What went wrong in one attempt.
enum AttemptError {
    Status {
        stage: String,
        /// Whether the container received the payload itself rather than the response of another container.
        is_first: bool,
        status: u16,
        body: Bytes,
    },
    NoAnswer {
        stage: String,
        what: String,
        /// Whether the response had begun. A container can report a later error only in its log.
        has_begun: bool,
        /// The last error in the container's log.
        logged: Option<Logged>,
    },
    TimedOut,
    /// The object could not be read, or its output could not be written.
    Local(TransformError),
}

/// An error from a container's log.
struct Logged {
    text: String,
    /// Whether the container received the payload itself rather than the response of another container.
    is_first: bool,
}

/// The error that interrupted a body on its way to the next container.
type Broken = Arc<Mutex<Option<String>>>;

/// A body on its way to a container.
pub(in crate::transform) type Pieces = BoxStream<'static, std::io::Result<Bytes>>;

/// Whether a container received the whole body; a response that comes earlier is not valid. This tracks what was passed
/// to the connection, so bytes still in the socket buffer count as received.
#[derive(Clone, Debug, Default)]
struct SendTracker(Arc<AtomicBool>);

impl SendTracker {
    /// Wraps a body to note its end: after `length` bytes, or at the end of the stream if the length is unknown.
    fn watch(&self, mut pieces: Pieces, length: Option<u64>) -> Body {
        let (taken, mut left) = (self.clone(), length.unwrap_or(u64::MAX));
        taken.note(left == 0);
        Body::wrap_stream(stream::poll_fn(move |context| {
            let next = ready!(pieces.poll_next_unpin(context));
            if let Some(Ok(piece)) = &next {
                left = left.saturating_sub(piece.len() as u64);
            }
            taken.note(left == 0 || next.is_none());
            Poll::Ready(next)
        }))
    }

    fn note(&self, is_taken: bool) {
        if is_taken {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// The state of the bodies of one invocation, by container.
#[derive(Default)]
struct BodiesInTransit {
    /// Responses on their way to the next container.
    broken: Vec<(String, Broken)>,
    /// Requests.
    taken: Vec<(String, SendTracker)>,
}

impl BodiesInTransit {
    /// The first container whose response was interrupted on its way to the next.
    fn broken_response(&self) -> Option<AttemptError> {
        self.broken.iter().find_map(|(stage, broken)| {
            let what = broken.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
            Some(AttemptError::NoAnswer { stage: stage.clone(), what, has_begun: true, logged: None })
        })
    }

    /// The first container that answered before it had received its whole request.
    fn early_response(&self) -> Option<AttemptError> {
        let (stage, _) = self.taken.iter().find(|(_, taken)| !taken.0.load(Ordering::Relaxed))?;
        let what = "it answered before it had taken the whole request".to_owned();
        Some(AttemptError::NoAnswer { stage: stage.clone(), what, has_begun: false, logged: None })
    }
}

impl Invoker {
    /// Sends a payload and returns the whole response.
    ///
    /// # Errors
    /// After the last retry, or at once if a retry cannot help.
    pub(in crate::transform) async fn invoke(&self, body: Bytes) -> Result<Bytes, TransformError> {
        let attempt = || async {
            let length = body.len() as u64;
            let (response, transit) = self.begin(as_stream(body.clone()), Some(length)).await?;
            let capacity = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            let mut answer = BytesMut::with_capacity(capacity.min(1 << 26));
            self.read(response, &transit, |piece| {
                answer.extend_from_slice(&piece);
                std::future::ready(Ok(()))
            })
            .await?;
            Ok(answer.freeze())
        };
        self.with_retries(attempt).await
    }

    /// Streams a body, and its response into a draft. Both are created anew for each attempt.
    ///
    /// # Errors
    /// As [`Invoker::invoke`].
    pub(in crate::transform) async fn stream(
        &self,
        body: impl Fn() -> (Pieces, Arc<Mutex<Option<Error>>>),
        begin: impl Fn() -> Result<Draft>,
    ) -> Result<Draft, TransformError> {
        let local = |error| AttemptError::Local(TransformError::Job(error));
        let attempt = || async {
            let (body, unreadable) = body();
            let draft = Arc::new(tokio::sync::Mutex::new(begin().map_err(local)?));
            let exchange = async {
                let (response, transit) = self.begin(body, None).await?;
                let write = |piece| {
                    let draft = Arc::clone(&draft);
                    async move { draft.lock().await.write(piece).await.map_err(local) }
                };
                self.read(response, &transit, write).await
            };
            let outcome = exchange.await;
            // The container failed because its request body broke off.
            if let Some(error) = unreadable.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(AttemptError::Local(TransformError::Records(RecordError::local(
                    chain(&error).to_string(),
                ))));
            }
            outcome?;
            let draft = Arc::into_inner(draft).map(tokio::sync::Mutex::into_inner);
            draft.ok_or_else(|| local(Error::new(crate::error::Cause::Internal, "a draft is still in use")))
        };
        self.with_retries(attempt).await
    }

    /// Repeats an attempt until it succeeds or a retry cannot help.
    async fn with_retries<T, F: Future<Output = Result<T, AttemptError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, TransformError> {
        let mut pause = PAUSE;
        let mut left = self.retries;
        loop {
            let outcome = tokio::time::timeout(self.timeout, attempt()).await.unwrap_or(Err(AttemptError::TimedOut));
            let failure = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_retryable() || left == 0 {
                // Leave a working container for the next payload, or fail the job.
                if failure.is_container_failure() {
                    self.ensure_healthy().await.map_err(TransformError::Job)?;
                }
                return Err(failure.into_transform_error(self.timeout, self.retries - left));
            }
            left -= 1;
            log::warn!("{}; trying again", failure.describe(self.timeout));
            tokio::time::sleep(pause).await;
            pause *= 2;
            self.ensure_healthy().await.map_err(TransformError::Job)?;
        }
    }

    async fn ensure_healthy(&self) -> Result<()> {
        for stage in &self.model.containers {
            stage.ensure_healthy().await?;
        }
        Ok(())
    }

    /// Sends a body through the containers, up to the headers of the last response.
    async fn begin(&self, body: Pieces, length: Option<u64>) -> Result<(Response, BodiesInTransit), AttemptError> {
        let (mut body, mut length, mut content_type) = (body, length, self.content_type.clone());
        let mut transit = BodiesInTransit::default();
        let count = self.model.containers.len();
        for (index, stage) in self.model.containers.iter().enumerate() {
            let mut request = self.model.client.post(stage.url("/invocations"));
            if let Some(content_type) = content_type.take() {
                request = request.header(CONTENT_TYPE, content_type);
            }
            if let Some(accept) = self.accept.as_ref().filter(|_| index + 1 == count) {
                request = request.header(ACCEPT, accept);
            }
            if let Some(length) = length {
                request = request.header(CONTENT_LENGTH, length);
            }
            let taken = SendTracker::default();
            let response = match request.body(taken.watch(body, length)).send().await {
                Ok(response) => response,
                Err(error) => return Err(self.exchange_failed(index, &transit, &error, false).await),
            };
            transit.taken.push((stage.name().to_owned(), taken));
            let status = response.status().as_u16();
            if !response.status().is_success() {
                let location = response.headers().get(LOCATION).cloned();
                let body = match (read_body(response, ERROR_LIMIT, &MemoryShare::unbounded()).await, location) {
                    (Ok(http::Body::Whole(body)), None) => body,
                    // The body of a redirect, if any, is meant for browsers.
                    (_, Some(location)) => {
                        Bytes::from([b"it redirects to ", location.as_bytes(), b", which is not followed"].concat())
                    }
                    (Ok(http::Body::TooLarge(_) | http::Body::InsufficientMemory) | Err(_), None) => Bytes::new(),
                };
                let is_first = index == 0;
                let answered = || AttemptError::Status { stage: stage.name().to_owned(), is_first, status, body };
                return Err(transit.broken_response().unwrap_or_else(answered));
            }
            if index + 1 == count {
                return Ok((response, transit));
            }
            content_type = response.headers().get(CONTENT_TYPE).cloned();
            length = response.content_length();
            let broken = Broken::default();
            transit.broken.push((stage.name().to_owned(), Arc::clone(&broken)));
            let pieces = response.bytes_stream().map_err(move |error| {
                let what = innermost(&error);
                *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
                std::io::Error::other(error)
            });
            body = pieces.boxed();
        }
        Err(AttemptError::NoAnswer {
            stage: "model".to_owned(),
            what: "no container".to_owned(),
            has_begun: false,
            logged: None,
        })
    }

    /// Reads the last response, piece by piece.
    async fn read<F: Future<Output = Result<(), AttemptError>>>(
        &self,
        mut response: Response,
        transit: &BodiesInTransit,
        mut take: impl FnMut(Bytes) -> F,
    ) -> Result<(), AttemptError> {
        loop {
            match response.chunk().await {
                Ok(Some(piece)) => take(piece).await?,
                // Its response is not valid if its own request was cut off.
                Ok(None) => return transit.broken_response().or_else(|| transit.early_response()).map_or(Ok(()), Err),
                Err(error) => {
                    return Err(self.exchange_failed(self.model.containers.len() - 1, transit, &error, true).await);
                }
            }
        }
    }

    /// The error for a failed exchange with a container.
    async fn exchange_failed(
        &self,
        index: usize,
        transit: &BodiesInTransit,
        error: &reqwest::Error,
        has_begun: bool,
    ) -> AttemptError {
        if let Some(failure) = transit.broken_response() {
            return failure;
        }
        let Some(stage) = self.model.containers.get(index) else { return AttemptError::TimedOut };
        let what = match stage.exit_description().await {
            Some(how) => how,
            None => innermost(error),
        };
        let logged = if has_begun { stage.last_error().await } else { None };
        let logged = logged.map(|text| Logged { text, is_first: index == 0 });
        AttemptError::NoAnswer { stage: stage.name().to_owned(), what, has_begun, logged }
    }
}

/// Splits a payload into pieces, so that its progress can be tracked.
fn as_stream(mut body: Bytes) -> Pieces {
    let pieces = std::iter::from_fn(move || {
        let length = body.len().min(PIECE);
        (length > 0).then(|| Ok(body.split_to(length)))
    });
    stream::iter(pieces).boxed()
}

impl AttemptError {
    /// Whether a retry can help. An error about the request itself would only come again.
    fn is_retryable(&self) -> bool {
        match self {
            AttemptError::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            AttemptError::NoAnswer { .. } | AttemptError::TimedOut => true,
            AttemptError::Local(_) => false,
        }
    }

    fn is_container_failure(&self) -> bool {
        matches!(self, AttemptError::NoAnswer { .. } | AttemptError::TimedOut)
    }

    fn describe(&self, timeout: Duration) -> String {
        self.record_error(timeout).to_string()
    }

    fn record_error(&self, timeout: Duration) -> RecordError {
        let message = match self {
            AttemptError::Status { stage, is_first, status, body } => {
                let by = format!("container {stage} answered {status}");
                let body = ErrorBody::read(body);
                let (place, message) = body.place();
                let message: String = message.chars().take(QUOTED).collect();
                let message = if message.is_empty() { "nothing".to_owned() } else { message };
                // A byte offset into the response of another container says nothing about the payload.
                let byte = place.byte.filter(|_| *is_first);
                return RecordError { by, place: Place { byte, ..place }, message };
            }
            AttemptError::NoAnswer { stage, what, has_begun: false, .. } => {
                format!("container {stage} sent an incomplete response: {what}")
            }
            AttemptError::NoAnswer { stage, what, has_begun: true, logged } => {
                let broke = format!(
                    "container {stage} broke off its answer after it had begun, and its log may say why: {what}"
                );
                let Some(Logged { text, is_first }) = logged else { return RecordError::local(broke) };
                let by = format!("{broke}; the last error in its log");
                match text.strip_prefix(ANSWER_BROKEN_OFF).and_then(leading_place) {
                    Some((place, message)) => {
                        let byte = place.byte.filter(|_| *is_first);
                        let by = format!("{by}: {}", ANSWER_BROKEN_OFF.trim_end_matches(": "));
                        return RecordError { by, place: Place { byte, ..place }, message: message.to_owned() };
                    }
                    None => format!("{by}: {text}"),
                }
            }
            AttemptError::TimedOut => {
                format!("no complete response within {} s (InvocationsTimeoutInSeconds)", timeout.as_secs_f64())
            }
            AttemptError::Local(TransformError::Records(error)) => error.to_string(),
            AttemptError::Local(TransformError::Job(error)) => chain(error).to_string(),
        };
        RecordError::local(message)
    }

    fn into_transform_error(self, timeout: Duration, retried: u32) -> TransformError {
        let mut error = self.record_error(timeout);
        if retried > 0 {
            error.message.push_str(&format!(" (tried {} times)", retried + 1));
        }
        match self {
            AttemptError::Local(trouble) => trouble,
            _ => TransformError::Records(error),
        }
    }
}

/// The root cause of an error of reqwest: the outer ones only say that a request failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! One request to one container, and what its answer or its silence means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use uuid::Uuid;

use super::container::{Calls, Container};
use super::failure::{ContainerFailure, Failure};
use super::limits::CallLimits;
use super::model_cache::Lease;
use super::single_model::Served;
use super::target_model::TargetModel;
use crate::leased_bytes::MemoryShare;
use crate::platform::http::{Body, read_body};

/// The most that is read of an answer that is an error: it ends up in a message of 2,048 characters.
const ERROR_LIMIT: usize = 1024 * 1024;

const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

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

/// What goes to one container.
pub(super) struct Request {
    pub(super) id: Uuid,
    pub(super) place: Place,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Where a request goes. A model is loaded for as long as this lives.
pub(super) enum Place {
    Invocations(Arc<Served>),
    Model(Lease),
}

/// An answer with a status of 2xx.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// An answer that began with a status of 2xx and is passed on as it comes.
pub struct StreamedAnswer {
    /// All of its headers; which of them a client sees is not decided here.
    pub headers: HeaderMap,
    /// Its body in the pieces in which it comes. The first has come already; nothing comes after a break.
    pub pieces: BoxStream<'static, Result<Bytes, StreamBreak>>,
}

/// Why a streamed answer ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamBreak {
    /// It took longer than a stream may.
    TimedOut(Duration),
    /// The connection broke, and how.
    Broken(String),
}

pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

impl Container {
    pub(super) fn failure(&self, what: ContainerFailure) -> Failure {
        Failure::Container { container: self.name_in_errors.clone(), what }
    }

    /// Where to send a request, with its model ready.
    pub(super) async fn place(
        &self,
        client: &Client,
        target_model: Option<&TargetModel>,
        arrived: Arrival,
    ) -> Result<Place, Failure> {
        if let Some(how) = self.health.how_it_ended() {
            return Err(self.failure(ContainerFailure::Ended(how)));
        }
        if let Some(reason) = self.health.failure_reason() {
            return Err(Failure::EndpointFailed { reason });
        }
        match &self.calls {
            Calls::Invocations(model) => model.served(arrived).await.map(Place::Invocations),
            Calls::Models(models) => {
                let target_model = target_model.ok_or(Failure::TargetModelMissing)?;
                models.lease(client, target_model, arrived).await.map(Place::Model)
            }
        }
    }

    /// Asks, and reads the answer up to `most` bytes, which are leased from `memory`.
    pub(super) async fn call(
        &self,
        client: &Client,
        request: Request,
        most: usize,
        timeout: Duration,
        memory: &MemoryShare,
    ) -> Result<Success, Failure> {
        let (start, id) = (Instant::now(), request.id);
        let exchange = async {
            let (response, _place) = self.send(client, request, timeout).await?;
            let status = response.status();
            let headers = response.headers().clone();
            let most = if status.is_success() { most } else { ERROR_LIMIT };
            let body = read_body(response, most, memory).await.map_err(|error| self.what_happened(&error))?;
            Ok((status, headers, body))
        };
        let exchanged = exchange.await;
        self.latency.record(start.elapsed());
        let (status, headers, body) = exchanged?;
        self.log_answer(id, status.as_u16(), start);
        match status.is_success() {
            true => Ok(Success { status: status.as_u16(), headers, body }),
            false => Err(self.failed(status.as_u16(), body)),
        }
    }

    /// Asks, and gives the answer as it comes, once its first piece is there.
    pub(super) async fn stream(
        &self,
        client: &Client,
        request: Request,
        limits: &CallLimits,
        memory: &MemoryShare,
    ) -> Result<StreamedAnswer, Failure> {
        let (start, id) = (Instant::now(), request.id);
        let begin = async {
            let (mut response, place) = self.send(client, request, limits.stream_timeout).await?;
            if !response.status().is_success() {
                let status = response.status().as_u16();
                let body =
                    read_body(response, ERROR_LIMIT, memory).await.map_err(|error| self.what_happened(&error))?;
                return Err(self.failed(status, body));
            }
            let first = response.chunk().await.map_err(|error| self.what_happened(&error))?;
            Ok((first, response, place))
        };
        let begun = tokio::time::timeout(limits.container_timeout, begin).await;
        // To the first byte: how long the stream lasts is up to whoever reads it.
        self.latency.record(start.elapsed());
        match begun {
            Ok(Ok((first, response, place))) => {
                self.log_answer(id, response.status().as_u16(), start);
                let headers = response.headers().clone();
                Ok(StreamedAnswer { headers, pieces: pieces(first, response, place, limits.stream_timeout) })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(self.failure(ContainerFailure::TimedOut)),
        }
    }

    /// Asks, until there is an answer that counts: a container that has lost the model (404) is told to load it once more;
    /// one that has no memory to answer (507) is told to unload others, as long as there are any
    /// (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).
    async fn send(&self, client: &Client, request: Request, timeout: Duration) -> Result<(Response, Place), Failure> {
        let Request { place, mut headers, body, .. } = request;
        let post = async |url: Url, headers: HeaderMap, body: Bytes| {
            let sent = client.post(url).headers(headers).body(body).timeout(timeout).send().await;
            sent.map_err(|error| self.what_happened(&error))
        };
        let (mut lease, models) = match (place, &self.calls) {
            (Place::Model(lease), Calls::Models(models)) => (lease, models),
            (Place::Model(lease), Calls::Invocations(_)) => {
                // Leases are for containers with models.
                return Ok((post(lease.url().clone(), headers, body).await?, Place::Model(lease)));
            }
            (Place::Invocations(served), _) => {
                return Ok((post(served.url.clone(), headers, body).await?, Place::Invocations(served)));
            }
        };
        // A TargetModel is printable, so that it is a header's value whatever letters it has.
        let target_model = HeaderValue::from_bytes(lease.target_model().as_str().as_bytes()).ok();
        set(&mut headers, TARGET_MODEL, target_model);
        let mut lost = false;
        loop {
            let response = post(lease.url().clone(), headers.clone(), body.clone()).await?;
            match response.status().as_u16() {
                404 if !lost => {
                    lost = true;
                    lease = models.lease_again(client, lease).await?;
                }
                507 if models.make_room(client, &lease).await => {}
                _ => return Ok((response, Place::Model(lease))),
            }
        }
    }

    fn log_answer(&self, id: Uuid, status: u16, start: Instant) {
        let took = start.elapsed().as_secs_f64() * 1e3;
        log::debug!("request {id}: {} answered {status} after {took:.1} ms", self.name_in_errors);
    }

    fn failed(&self, status: u16, body: Body) -> Failure {
        self.failure(match body {
            Body::Whole(body) => ContainerFailure::Status(status, body),
            Body::TooLarge(_) => ContainerFailure::BodyTooLarge(status, ERROR_LIMIT),
            Body::InsufficientMemory => return Failure::NoMemory,
        })
    }

    /// What a failed exchange means. A container that has just ended is noticed by its connection first.
    fn what_happened(&self, error: &reqwest::Error) -> Failure {
        self.failure(match self.health.how_it_ended() {
            Some(how) => ContainerFailure::Ended(how),
            None => ContainerFailure::from_error(error),
        })
    }
}

/// The first piece, then what else comes. The model is needed until the end.
fn pieces(
    first: Option<Bytes>,
    rest: Response,
    place: Place,
    limit: Duration,
) -> BoxStream<'static, Result<Bytes, StreamBreak>> {
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some((rest, place)), move |rest| async move {
        let (mut response, place) = rest?;
        match response.chunk().await {
            Ok(piece) => Some((Ok(piece?), Some((response, place)))),
            Err(error) if error.is_timeout() => Some((Err(StreamBreak::TimedOut(limit)), None)),
            Err(error) => Some((Err(StreamBreak::Broken(innermost(&error))), None)),
        }
    });
    stream::once(std::future::ready(Ok(first))).chain(rest).boxed()
}

impl ContainerFailure {
    /// What an exchange that gave no answer means.
    pub(super) fn from_error(error: &reqwest::Error) -> ContainerFailure {
        if error.is_timeout() {
            return ContainerFailure::TimedOut;
        }
        ContainerFailure::NoAnswer(innermost(error))
    }
}

/// What reqwest's errors come down to: the outer ones only say that a request failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
#[path = "exchange_test.rs"]
mod tests;

//! One request to one container, and what its answer or its silence means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use uuid::Uuid;

use super::arrival::Arrival;
use super::container::{Container, HostedModels};
use super::error::{ContainerError, InvocationError};
use super::limits::InvocationLimits;
use super::model_cache::LoadedModel;
use super::single_model::InvocationTarget;
use super::target_model::TargetModel;
use crate::leased_bytes::MemoryShare;
use crate::platform::http::{Body, read_body};

/// The most that is read of an answer that is an error: it ends up in a message of 2,048 characters.
const ERROR_LIMIT: usize = 1024 * 1024;

const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

/// What goes to one container.
pub(super) struct Request {
    pub(super) id: Uuid,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Where a request goes. A model is loaded for as long as this lives.
pub(super) enum Target {
    Single(Arc<InvocationTarget>),
    Multi(LoadedModel),
}

/// An answer with a status of 2xx.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// An answer that began with a status of 2xx and is passed on as it comes.
pub struct StreamedResponse {
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
    pub(super) fn failure(&self, what: ContainerError) -> InvocationError {
        InvocationError::Container { container: self.name_in_errors.clone(), what }
    }

    /// Where to send a request, with its model ready.
    pub(super) async fn target(
        &self,
        client: &Client,
        target_model: Option<&TargetModel>,
        arrived: Arrival,
    ) -> Result<Target, InvocationError> {
        if let Some(how) = self.health.exit_description() {
            return Err(self.failure(ContainerError::Ended(how)));
        }
        if let Some(reason) = self.health.failure_reason() {
            return Err(InvocationError::EndpointFailed { reason });
        }
        match &self.models {
            HostedModels::Single(model) => model.target(arrived).await.map(Target::Single),
            HostedModels::Multi(models) => {
                let target_model = target_model.ok_or(InvocationError::TargetModelMissing)?;
                models.lease(client, target_model, arrived).await.map(Target::Multi)
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
    ) -> Result<Success, InvocationError> {
        let (start, id) = (Instant::now(), request.id);
        let exchange = async {
            let (response, _target) = self.send(client, request, timeout).await?;
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
        limits: &InvocationLimits,
        memory: &MemoryShare,
    ) -> Result<StreamedResponse, InvocationError> {
        let (start, id) = (Instant::now(), request.id);
        let begin = async {
            let (mut response, target) = self.send(client, request, limits.stream_timeout).await?;
            if !response.status().is_success() {
                let status = response.status().as_u16();
                let body =
                    read_body(response, ERROR_LIMIT, memory).await.map_err(|error| self.what_happened(&error))?;
                return Err(self.failed(status, body));
            }
            let first = response.chunk().await.map_err(|error| self.what_happened(&error))?;
            Ok((first, response, target))
        };
        let begun = tokio::time::timeout(limits.container_timeout, begin).await;
        // To the first byte: how long the stream lasts is up to whoever reads it.
        self.latency.record(start.elapsed());
        match begun {
            Ok(Ok((first, response, target))) => {
                self.log_answer(id, response.status().as_u16(), start);
                let headers = response.headers().clone();
                Ok(StreamedResponse { headers, pieces: pieces(first, response, target, limits.stream_timeout) })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(self.failure(ContainerError::TimedOut)),
        }
    }

    /// Asks, until there is an answer that counts: a container that has lost the model (404) is told to load it once more;
    /// one that has no memory to answer (507) is told to unload others, as long as there are any
    /// (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).
    async fn send(
        &self,
        client: &Client,
        request: Request,
        timeout: Duration,
    ) -> Result<(Response, Target), InvocationError> {
        let Request { target, mut headers, body, .. } = request;
        let post = async |url: Url, headers: HeaderMap, body: Bytes| {
            let sent = client.post(url).headers(headers).body(body).timeout(timeout).send().await;
            sent.map_err(|error| self.what_happened(&error))
        };
        let (mut lease, models) = match (target, &self.models) {
            (Target::Multi(lease), HostedModels::Multi(models)) => (lease, models),
            (Target::Multi(lease), HostedModels::Single(_)) => {
                // Leases are for containers with models.
                return Ok((post(lease.url().clone(), headers, body).await?, Target::Multi(lease)));
            }
            (Target::Single(target), _) => {
                return Ok((post(target.url.clone(), headers, body).await?, Target::Single(target)));
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
                    lease = models.reload(client, lease).await?;
                }
                507 if models.evict_idle(client, &lease).await => {}
                _ => return Ok((response, Target::Multi(lease))),
            }
        }
    }

    fn log_answer(&self, id: Uuid, status: u16, start: Instant) {
        let took = start.elapsed().as_secs_f64() * 1e3;
        log::debug!("request {id}: {} answered {status} after {took:.1} ms", self.name_in_errors);
    }

    fn failed(&self, status: u16, body: Body) -> InvocationError {
        self.failure(match body {
            Body::Whole(body) => ContainerError::Status(status, body),
            Body::TooLarge(_) => ContainerError::BodyTooLarge(status, ERROR_LIMIT),
            Body::InsufficientMemory => return InvocationError::NoMemory,
        })
    }

    /// What a failed exchange means. A container that has just ended is noticed by its connection first.
    fn what_happened(&self, error: &reqwest::Error) -> InvocationError {
        self.failure(match self.health.exit_description() {
            Some(how) => ContainerError::Ended(how),
            None => ContainerError::from_error(error),
        })
    }
}

/// The first piece, then what else comes. The model is needed until the end.
fn pieces(
    first: Option<Bytes>,
    rest: Response,
    target: Target,
    limit: Duration,
) -> BoxStream<'static, Result<Bytes, StreamBreak>> {
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some((rest, target)), move |rest| async move {
        let (mut response, target) = rest?;
        match response.chunk().await {
            Ok(piece) => Some((Ok(piece?), Some((response, target)))),
            Err(error) if error.is_timeout() => Some((Err(StreamBreak::TimedOut(limit)), None)),
            Err(error) => Some((Err(StreamBreak::Broken(innermost(&error))), None)),
        }
    });
    stream::once(std::future::ready(Ok(first))).chain(rest).boxed()
}

impl ContainerError {
    /// What an exchange that gave no answer means.
    pub(super) fn from_error(error: &reqwest::Error) -> ContainerError {
        if error.is_timeout() {
            return ContainerError::TimedOut;
        }
        ContainerError::NoAnswer(innermost(error))
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

//! One request to one container, and how its response or failure is interpreted.

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

/// The most bytes that are read of an error response; the message to the client has at most 2,048 characters.
const ERROR_LIMIT: usize = 1024 * 1024;

const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

/// A request to one container.
pub(super) struct Request {
    pub(super) id: Uuid,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The target of a request. Keeps the model loaded until it is dropped.
pub(super) enum Target {
    Single(Arc<InvocationTarget>),
    Multi(LoadedModel),
}

/// A response with a 2xx status.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// A streamed response with a 2xx status.
pub struct StreamedResponse {
    /// All of its headers; the client side filters them.
    pub headers: HeaderMap,
    /// Its body in pieces. The first has arrived already; an error ends the stream.
    pub pieces: BoxStream<'static, Result<Bytes, StreamBreak>>,
}

/// Why a streamed response ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamBreak {
    /// It exceeded the time limit of streams.
    TimedOut(Duration),
    /// The connection failed, with the error.
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

    /// The target of a request, with its model loaded.
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

    /// Sends a request and reads a response of up to `most` bytes, which are leased from `memory`.
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
            let body = read_body(response, most, memory).await.map_err(|error| self.exchange_failure(&error))?;
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

    /// Sends a request and streams the response, once its first piece has arrived.
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
                    read_body(response, ERROR_LIMIT, memory).await.map_err(|error| self.exchange_failure(&error))?;
                return Err(self.failed(status, body));
            }
            let first = response.chunk().await.map_err(|error| self.exchange_failure(&error))?;
            Ok((first, response, target))
        };
        let begun = tokio::time::timeout(limits.container_timeout, begin).await;
        // The timeout is for the first byte; the reader limits the duration of the stream.
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

    /// Sends a request, and again if needed: if the container has lost the model (404), the model is loaded once more;
    /// if it has no memory to answer (507), other models are unloaded, as long as there are any
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
            sent.map_err(|error| self.exchange_failure(&error))
        };
        let (mut lease, models) = match (target, &self.models) {
            (Target::Multi(lease), HostedModels::Multi(models)) => (lease, models),
            (Target::Multi(lease), HostedModels::Single(_)) => {
                // Only containers with several models have leases.
                return Ok((post(lease.url().clone(), headers, body).await?, Target::Multi(lease)));
            }
            (Target::Single(target), _) => {
                return Ok((post(target.url.clone(), headers, body).await?, Target::Single(target)));
            }
        };
        // A TargetModel is printable, so it is always a valid header value.
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

    /// The error for a failed exchange. If a container has just exited, its connection fails first.
    fn exchange_failure(&self, error: &reqwest::Error) -> InvocationError {
        self.failure(match self.health.exit_description() {
            Some(how) => ContainerError::Ended(how),
            None => ContainerError::from_error(error),
        })
    }
}

/// The first piece, followed by the rest of the stream. Keeps the model loaded until the end.
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
    /// The error for an exchange without a response.
    pub(super) fn from_error(error: &reqwest::Error) -> ContainerError {
        if error.is_timeout() {
            return ContainerError::TimedOut;
        }
        ContainerError::NoAnswer(innermost(error))
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

#[cfg(test)]
#[path = "exchange_test.rs"]
mod tests;

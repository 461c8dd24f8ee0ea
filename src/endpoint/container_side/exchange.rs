//! One request to one container, and what its answer or its silence means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};

use super::container::{Calls, Container};
use super::failure::{ContainerFailure, Failure};
use super::http::{Body, read_body};
use super::limits::CallLimits;
use super::target_model::TargetModel;

/// The most that is read of an answer that is an error: it ends up in a message of 2,048 characters.
const ERROR_LIMIT: usize = 1024 * 1024;

const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

/// What goes to one container.
pub(super) struct Request<'a> {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) target_model: Option<&'a TargetModel>,
    pub(super) body: Bytes,
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

    /// Where to send this request, with its model ready.
    pub(super) async fn url(&self, client: &Client, target_model: Option<&TargetModel>) -> Result<Url, Failure> {
        if let Some(how) = self.health.how_it_ended() {
            return Err(self.failure(ContainerFailure::Ended(how.to_owned())));
        }
        match &self.calls {
            Calls::Invocations(url) => Ok(url.clone()),
            Calls::Models(models) => {
                let target_model = target_model.ok_or(Failure::TargetModelMissing)?;
                models.invoke_url(client, target_model).await
            }
        }
    }

    /// Asks, and reads the answer up to `most` bytes.
    pub(super) async fn call(
        &self,
        client: &Client,
        request: Request<'_>,
        most: usize,
        timeout: Duration,
    ) -> Result<Success, Failure> {
        let start = Instant::now();
        let exchange = async {
            let response = self.send(client, request, timeout).await?;
            let status = response.status();
            let headers = response.headers().clone();
            let most = if status.is_success() { most } else { ERROR_LIMIT };
            Ok((status, headers, read_body(response, most).await?))
        };
        let exchanged = exchange.await;
        self.latency.record(start.elapsed());
        match exchanged {
            Ok((status, headers, body)) if status.is_success() => {
                Ok(Success { status: status.as_u16(), headers, body })
            }
            Ok((status, _, body)) => Err(self.failed(status.as_u16(), body)),
            Err(error) => Err(self.failure(self.what_happened(&error))),
        }
    }

    /// Asks, and gives the answer as it comes, once its first piece is there.
    pub(super) async fn stream(
        &self,
        client: &Client,
        request: Request<'_>,
        limits: &CallLimits,
    ) -> Result<StreamedAnswer, Failure> {
        let start = Instant::now();
        let begin = async {
            let mut response = self.send(client, request, limits.stream_timeout).await?;
            if !response.status().is_success() {
                return Ok(Err((response.status().as_u16(), read_body(response, ERROR_LIMIT).await?)));
            }
            let first = response.chunk().await?;
            Ok(Ok((first, response)))
        };
        let begun = tokio::time::timeout(limits.container_timeout, begin).await;
        // To the first byte: how long the stream lasts is up to whoever reads it.
        self.latency.record(start.elapsed());
        match begun {
            Ok(Ok(Ok((first, response)))) => {
                let headers = response.headers().clone();
                Ok(StreamedAnswer { headers, pieces: pieces(first, response, limits.stream_timeout) })
            }
            Ok(Ok(Err((status, body)))) => Err(self.failed(status, body)),
            Ok(Err(error)) => Err(self.failure(self.what_happened(&error))),
            Err(_) => Err(self.failure(ContainerFailure::TimedOut)),
        }
    }

    async fn send(&self, client: &Client, request: Request<'_>, timeout: Duration) -> reqwest::Result<Response> {
        let Request { url, mut headers, target_model, body } = request;
        if let (Calls::Models(_), Some(target_model)) = (&self.calls, target_model) {
            // A TargetModel is printable, so that it is a header's value whatever letters it has.
            set(&mut headers, TARGET_MODEL, HeaderValue::from_bytes(target_model.as_str().as_bytes()).ok());
        }
        client.post(url).headers(headers).body(body).timeout(timeout).send().await
    }

    fn failed(&self, status: u16, body: Body) -> Failure {
        self.failure(match body {
            Body::Whole(body) => ContainerFailure::Status(status, body),
            Body::TooLarge(_) => ContainerFailure::BodyTooLarge(status, ERROR_LIMIT),
        })
    }

    /// What a failed exchange means. A container that has just ended is noticed by its connection first.
    fn what_happened(&self, error: &reqwest::Error) -> ContainerFailure {
        match self.health.how_it_ended() {
            Some(how) => ContainerFailure::Ended(how.to_owned()),
            None => ContainerFailure::from_error(error),
        }
    }
}

/// The first piece, then what else comes.
fn pieces(first: Option<Bytes>, rest: Response, limit: Duration) -> BoxStream<'static, Result<Bytes, StreamBreak>> {
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some(rest), move |rest| async move {
        let mut response = rest?;
        match response.chunk().await {
            Ok(piece) => Some((Ok(piece?), Some(response))),
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

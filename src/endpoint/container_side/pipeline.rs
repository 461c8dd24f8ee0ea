//! The chain: a request goes through the containers in order, and what one answers is what the next is asked.
//!
//! Header rules as AWS's containers show them (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html;
//! aws/amazon-sagemaker-examples#729 and #3235): the client's Content-Type goes to the first container, its Accept to the
//! last; in between, the Content-Type of one answer is that of the next request, to the letter. The other headers that the
//! API models go to every container; those of the last answer come back.

use std::time::Instant;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};

use super::container::{Calls, Container};
use super::failure::{ContainerFailure, Failure};
use super::http::{Body, INVOCATION_LIMIT, read_body};
use super::target_model::TargetModel;

/// The most that one container may hand to the next: 5 MB
/// (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html).
const HAND_OVER_LIMIT: usize = 5 * 1024 * 1024;
/// The most that is read of the last answer: as much as a request may have.
const ANSWER_LIMIT: usize = 25 * 1024 * 1024;
/// The most that is read of an answer that is an error: it ends up in a message of 2,048 characters.
const ERROR_LIMIT: usize = 1024 * 1024;

const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

/// What a client asks.
#[derive(Debug, Default)]
pub struct Call {
    /// Content-Type, for the first container.
    pub content_type: Option<HeaderValue>,
    /// Accept, for the last container.
    pub accept: Option<HeaderValue>,
    /// Headers for every container: custom attributes, inference id, session id.
    pub for_all: HeaderMap,
    /// The model for the container in MultiModel mode.
    pub target_model: Option<TargetModel>,
    /// The body for the first container.
    pub body: Bytes,
}

/// What the last container answered.
#[derive(Debug)]
pub struct Answer {
    /// All of its headers; which of them a client sees is not decided here.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// One to fifteen containers.
#[derive(Debug)]
pub struct Pipeline {
    before: Vec<Container>,
    last: Container,
}

impl Pipeline {
    /// The containers in the order in which a request goes through them; nothing when there are none.
    pub fn new(mut containers: Vec<Container>) -> Option<Pipeline> {
        let last = containers.pop()?;
        Some(Pipeline { before: containers, last })
    }

    /// Whether a request must name a TargetModel.
    pub fn is_multi_model(&self) -> bool {
        self.containers().any(|container| matches!(container.calls, Calls::Models(_)))
    }

    /// The first container that has ended, and how.
    pub fn how_it_ended(&self) -> Option<String> {
        self.containers().find_map(Container::how_it_ended)
    }

    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.before.iter().chain([&self.last])
    }

    /// Takes a request through all containers.
    ///
    /// # Errors
    /// The first thing that goes wrong; no later container is called then.
    pub async fn invoke(&self, client: &Client, call: Call) -> Result<Answer, Failure> {
        match (&call.target_model, self.is_multi_model()) {
            (Some(_), false) => return Err(Failure::TargetModelNotSupported),
            (None, true) => return Err(Failure::TargetModelMissing),
            _ => {}
        }
        let Call { mut content_type, accept, for_all, target_model, mut body } = call;
        let target_model = target_model.as_ref();

        // The model is made ready before the first container works for nothing.
        let mut urls = Vec::with_capacity(self.before.len() + 1);
        for container in self.containers() {
            urls.push(container.url(client, target_model).await?);
        }
        let mut urls = urls.into_iter();
        let mut headers = for_all;
        for (number, container) in self.before.iter().enumerate() {
            let Some(url) = urls.next() else { break };
            set(&mut headers, CONTENT_TYPE, content_type.take());
            let answer = container.call(client, url, headers.clone(), target_model, body, HAND_OVER_LIMIT).await?;
            body = match answer.body {
                Body::Whole(body) => body,
                Body::TooLarge(bytes) => {
                    let next = self.before.get(number + 1).unwrap_or(&self.last).name_in_errors.clone();
                    let status = answer.status;
                    return Err(container.failure(ContainerFailure::HandOverTooLarge { status, next, bytes }));
                }
            };
            content_type = answer.headers.get(CONTENT_TYPE).cloned();
        }
        set(&mut headers, CONTENT_TYPE, content_type);
        set(&mut headers, ACCEPT, accept);
        let url = match urls.next() {
            Some(url) => url,
            None => self.last.url(client, target_model).await?,
        };
        let answer = self.last.call(client, url, headers, target_model, body, ANSWER_LIMIT).await?;
        match answer.body {
            Body::Whole(body) => Ok(Answer { headers: answer.headers, body }),
            Body::TooLarge(_) => Err(self.last.failure(ContainerFailure::BodyTooLarge(answer.status, ANSWER_LIMIT))),
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

/// An answer with a status of 2xx.
struct Success {
    status: u16,
    headers: HeaderMap,
    body: Body,
}

impl Container {
    fn failure(&self, what: ContainerFailure) -> Failure {
        Failure::Container { container: self.name_in_errors.clone(), what }
    }

    /// Where to send this request, with its model ready.
    async fn url(&self, client: &Client, target_model: Option<&TargetModel>) -> Result<Url, Failure> {
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

    async fn call(
        &self,
        client: &Client,
        url: Url,
        mut headers: HeaderMap,
        target_model: Option<&TargetModel>,
        body: Bytes,
        limit: usize,
    ) -> Result<Success, Failure> {
        if let (Calls::Models(_), Some(target_model)) = (&self.calls, target_model) {
            // A TargetModel is printable, so that it is a header's value whatever letters it has.
            set(&mut headers, TARGET_MODEL, HeaderValue::from_bytes(target_model.as_str().as_bytes()).ok());
        }
        let start = Instant::now();
        let exchange = async {
            let response = client.post(url).headers(headers).body(body).timeout(INVOCATION_LIMIT).send().await?;
            let status = response.status();
            let headers = response.headers().clone();
            let limit = if status.is_success() { limit } else { ERROR_LIMIT };
            Ok((status, headers, read_body(response, limit).await?))
        };
        let exchanged = exchange.await;
        self.latency.record(start.elapsed());
        match exchanged {
            Ok((status, headers, body)) if status.is_success() => {
                Ok(Success { status: status.as_u16(), headers, body })
            }
            Ok((status, _, Body::Whole(body))) => Err(self.failure(ContainerFailure::Status(status.as_u16(), body))),
            Ok((status, _, Body::TooLarge(_))) => {
                Err(self.failure(ContainerFailure::BodyTooLarge(status.as_u16(), ERROR_LIMIT)))
            }
            Err(error) => Err(self.failure(self.what_happened(&error))),
        }
    }

    /// What a failed exchange means. A container that has just ended is noticed by its connection first.
    fn what_happened(&self, error: &reqwest::Error) -> ContainerFailure {
        match self.health.how_it_ended() {
            Some(how) => ContainerFailure::Ended(how.to_owned()),
            None => ContainerFailure::from_error(error),
        }
    }
}

impl ContainerFailure {
    /// What an exchange that gave no answer means.
    pub(super) fn from_error(error: &reqwest::Error) -> ContainerFailure {
        if error.is_timeout() {
            return ContainerFailure::TimedOut;
        }
        let mut innermost: &dyn std::error::Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        ContainerFailure::NoAnswer(innermost.to_string())
    }
}

#[cfg(test)]
#[path = "pipeline_test.rs"]
mod tests;

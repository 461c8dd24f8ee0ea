//! The inference pipeline: a request passes through the containers in order; each response is the next request.
//!
//! Header rules as observed with AWS's containers (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html;
//! aws/amazon-sagemaker-examples#729 and #3235): the client's Content-Type goes to the first container, its Accept to
//! the last; in between, the Content-Type of a response is sent unchanged with the next request. The other headers that
//! the API defines are sent to every container; those of the last response are returned.
//!
//! In Direct mode there is no chain: only the container that the request names is called.

use bytes::Bytes;
use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use uuid::Uuid;

use super::arrival::{Arrival, request_id};
use super::container::{Container, HostedModels};
use super::error::{ContainerError, InvocationError};
use super::exchange::{Request, StreamedResponse, Target, set};
use super::limits::InvocationLimits;
use super::target_model::TargetModel;
use crate::leased_bytes::MemoryShare;
use crate::platform::http::Body;

/// A client's request.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The request's id: the client's RequestId, also sent to each container as a header and written to the log.
    pub request_id: Uuid,
    /// Content-Type, for the first container.
    pub content_type: Option<HeaderValue>,
    /// Accept, for the last container.
    pub accept: Option<HeaderValue>,
    /// Headers for every container: custom attributes, inference id, session id.
    pub for_all: HeaderMap,
    /// The model for the container in MultiModel mode.
    pub target_model: Option<TargetModel>,
    /// The one container to call, in Direct mode.
    pub target_container_hostname: Option<String>,
    /// The body for the first container.
    pub body: Bytes,
    /// The limits of its duration and of the size of responses.
    pub limits: InvocationLimits,
    /// The memory budget for responses.
    pub memory: MemoryShare,
}

/// The response of the last container.
#[derive(Debug)]
pub struct PipelineResponse {
    /// All of its headers; the client side filters them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// One to fifteen containers, and how a request passes through them.
#[derive(Debug)]
pub struct Pipeline(Wiring);

#[derive(Debug)]
enum Wiring {
    /// A request passes through all containers.
    Serial(Chain),
    /// A request is sent to the one container that it names.
    Direct(Vec<Chain>),
}

/// Containers in the order in which a request passes through them.
#[derive(Debug)]
struct Chain {
    before: Vec<Container>,
    last: Container,
}

impl Pipeline {
    /// Serial mode: the containers in the order in which a request passes through them. `None` if there are no
    /// containers.
    pub fn new(mut containers: Vec<Container>) -> Option<Pipeline> {
        let last = containers.pop()?;
        Some(Pipeline(Wiring::Serial(Chain { before: containers, last })))
    }

    /// Direct mode: a request names its container, by the name used in errors. `None` if there are no containers
    /// (docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html).
    pub fn direct(containers: Vec<Container>) -> Option<Pipeline> {
        let chains: Vec<Chain> = containers.into_iter().map(|last| Chain { before: Vec::new(), last }).collect();
        (!chains.is_empty()).then_some(Pipeline(Wiring::Direct(chains)))
    }

    /// Whether any container is in MultiModel mode.
    pub fn is_multi_model(&self) -> bool {
        self.chains().iter().any(Chain::is_multi_model)
    }

    /// The first container that has exited, and how.
    pub fn exit_description(&self) -> Option<String> {
        self.chains().iter().flat_map(Chain::containers).find_map(Container::exit_description)
    }

    /// FailureReason, if a container has failed permanently.
    pub fn failure_reason(&self) -> Option<String> {
        self.chains().iter().flat_map(Chain::containers).find_map(|container| container.health.failure_reason())
    }

    /// Sends a request through its containers.
    ///
    /// # Errors
    /// The first error; no later container is called.
    pub async fn invoke(&self, client: &Client, call: Invocation) -> Result<PipelineResponse, InvocationError> {
        self.chain(&call)?.invoke(client, call).await
    }

    /// Sends a request through its containers and streams the last response.
    ///
    /// # Errors
    /// An error before the first byte of the last response; no later container is called.
    pub async fn stream(&self, client: &Client, call: Invocation) -> Result<StreamedResponse, InvocationError> {
        self.chain(&call)?.stream(client, call).await
    }

    fn chains(&self) -> &[Chain] {
        match &self.0 {
            Wiring::Serial(chain) => std::slice::from_ref(chain),
            Wiring::Direct(chains) => chains,
        }
    }

    /// The containers that handle a request.
    fn chain(&self, call: &Invocation) -> Result<&Chain, InvocationError> {
        let chain = match (&self.0, &call.target_container_hostname) {
            (Wiring::Serial(chain), None) => chain,
            (Wiring::Serial(_), Some(_)) => return Err(InvocationError::TargetContainerNotSupported),
            (Wiring::Direct(_), None) => return Err(InvocationError::TargetContainerMissing),
            (Wiring::Direct(chains), Some(hostname)) => {
                let named = chains.iter().find(|chain| chain.last.name_in_errors == *hostname);
                named.ok_or_else(|| InvocationError::NoSuchContainer {
                    hostname: hostname.clone(),
                    known: chains.iter().map(|chain| chain.last.name_in_errors.clone()).collect(),
                })?
            }
        };
        match (&call.target_model, chain.is_multi_model()) {
            (Some(_), false) => Err(InvocationError::TargetModelNotSupported),
            (None, true) => Err(InvocationError::TargetModelMissing),
            _ => Ok(chain),
        }
    }
}

impl Chain {
    fn is_multi_model(&self) -> bool {
        self.containers().any(|container| matches!(container.models, HostedModels::Multi(_)))
    }

    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.before.iter().chain([&self.last])
    }

    async fn invoke(&self, client: &Client, mut call: Invocation) -> Result<PipelineResponse, InvocationError> {
        let (target, headers) = self.up_to_the_last(client, &mut call).await?;
        let limits = call.limits;
        let request = Request { id: call.request_id, target, headers, body: call.body };
        let (most, timeout) = (limits.answer_bytes, limits.container_timeout);
        let answer = self.last.call(client, request, most, timeout, &call.memory).await?;
        match answer.body {
            Body::Whole(body) => Ok(PipelineResponse { headers: answer.headers, body }),
            Body::InsufficientMemory => Err(InvocationError::NoMemory),
            Body::TooLarge(_) => {
                // Report whichever limit it exceeds.
                let limit = most.min(usize::try_from(call.memory.max_body_bytes()).unwrap_or(usize::MAX));
                Err(self.last.failure(ContainerError::BodyTooLarge(answer.status, limit)))
            }
        }
    }

    async fn stream(&self, client: &Client, mut call: Invocation) -> Result<StreamedResponse, InvocationError> {
        let (target, headers) = self.up_to_the_last(client, &mut call).await?;
        let request = Request { id: call.request_id, target, headers, body: call.body };
        self.last.stream(client, request, &call.limits, &call.memory).await
    }

    /// Calls all containers but the last. Returns the request for the last one; its body is left in `call`.
    async fn up_to_the_last(
        &self,
        client: &Client,
        call: &mut Invocation,
    ) -> Result<(Target, HeaderMap), InvocationError> {
        let arrived = Arrival::now(call.request_id);
        let target_model = call.target_model.as_ref();
        // Load the model first, so that no earlier container works in vain if that fails.
        let mut targets = Vec::with_capacity(self.before.len());
        for container in &self.before {
            targets.push(container.target(client, target_model, arrived).await?);
        }
        let last_target = self.last.target(client, target_model, arrived).await?;

        let limits = &call.limits;
        let mut headers = std::mem::take(&mut call.for_all);
        let (name, value) = request_id(call.request_id);
        headers.insert(name, value);
        let mut content_type = call.content_type.take();
        for (number, (container, target)) in self.before.iter().zip(targets).enumerate() {
            set(&mut headers, CONTENT_TYPE, content_type.take());
            let body = std::mem::take(&mut call.body);
            let request = Request { id: call.request_id, target, headers: headers.clone(), body };
            let (most, timeout) = (limits.hand_over_bytes, limits.container_timeout);
            let answer = container.call(client, request, most, timeout, &call.memory).await?;
            call.body = match answer.body {
                Body::Whole(body) => body,
                Body::InsufficientMemory => return Err(InvocationError::NoMemory),
                Body::TooLarge(bytes) => {
                    let next = self.before.get(number + 1).unwrap_or(&self.last).name_in_errors.clone();
                    let limit = most.min(usize::try_from(call.memory.max_body_bytes()).unwrap_or(usize::MAX));
                    let status = answer.status;
                    return Err(container.failure(ContainerError::HandOverTooLarge { status, next, bytes, limit }));
                }
            };
            content_type = answer.headers.get(CONTENT_TYPE).cloned();
        }
        set(&mut headers, CONTENT_TYPE, content_type);
        set(&mut headers, ACCEPT, call.accept.take());
        Ok((last_target, headers))
    }
}

#[cfg(test)]
#[path = "pipeline_test.rs"]
mod tests;

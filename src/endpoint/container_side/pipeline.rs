//! The chain: a request goes through the containers in order, and what one answers is what the next is asked.
//!
//! Header rules as AWS's containers show them (docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html;
//! aws/amazon-sagemaker-examples#729 and #3235): the client's Content-Type goes to the first container, its Accept to the
//! last; in between, the Content-Type of one answer is that of the next request, to the letter. The other headers that the
//! API models go to every container; those of the last answer come back.
//!
//! In Direct mode there is no chain: the one container that a request names is called as if it were alone.

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

/// What a client asks.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The request's id: what its client gets as RequestId, each container as a header, and what log lines name.
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
    /// How long it may take and how large answers may be.
    pub limits: InvocationLimits,
    /// What answers are leased from.
    pub memory: MemoryShare,
}

/// What the last container answered.
#[derive(Debug)]
pub struct PipelineResponse {
    /// All of its headers; which of them a client sees is not decided here.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// One to fifteen containers, and the way of a request through them.
#[derive(Debug)]
pub struct Pipeline(Wiring);

#[derive(Debug)]
enum Wiring {
    /// A request goes through all containers.
    Serial(Chain),
    /// A request goes to the one container that it names.
    Direct(Vec<Chain>),
}

/// Containers in the order in which a request goes through them.
#[derive(Debug)]
struct Chain {
    before: Vec<Container>,
    last: Container,
}

impl Pipeline {
    /// Serial mode: the containers in the order in which a request goes through them; nothing when there are none.
    pub fn new(mut containers: Vec<Container>) -> Option<Pipeline> {
        let last = containers.pop()?;
        Some(Pipeline(Wiring::Serial(Chain { before: containers, last })))
    }

    /// Direct mode: containers that requests choose from by the name that errors have too; nothing when there are none
    /// (docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html).
    pub fn direct(containers: Vec<Container>) -> Option<Pipeline> {
        let chains: Vec<Chain> = containers.into_iter().map(|last| Chain { before: Vec::new(), last }).collect();
        (!chains.is_empty()).then_some(Pipeline(Wiring::Direct(chains)))
    }

    /// Whether some container is in MultiModel mode.
    pub fn is_multi_model(&self) -> bool {
        self.chains().iter().any(Chain::is_multi_model)
    }

    /// The first container that has ended, and how.
    pub fn exit_description(&self) -> Option<String> {
        self.chains().iter().flat_map(Chain::containers).find_map(Container::exit_description)
    }

    /// FailureReason, if a container is given up.
    pub fn failure_reason(&self) -> Option<String> {
        self.chains().iter().flat_map(Chain::containers).find_map(|container| container.health.failure_reason())
    }

    /// Takes a request through its containers.
    ///
    /// # Errors
    /// The first thing that goes wrong; no later container is called then.
    pub async fn invoke(&self, client: &Client, call: Invocation) -> Result<PipelineResponse, InvocationError> {
        self.chain(&call)?.invoke(client, call).await
    }

    /// Takes a request through its containers and gives what the last one answers as it comes.
    ///
    /// # Errors
    /// What goes wrong before the first byte of the last answer; no later container is called then.
    pub async fn stream(&self, client: &Client, call: Invocation) -> Result<StreamedResponse, InvocationError> {
        self.chain(&call)?.stream(client, call).await
    }

    fn chains(&self) -> &[Chain] {
        match &self.0 {
            Wiring::Serial(chain) => std::slice::from_ref(chain),
            Wiring::Direct(chains) => chains,
        }
    }

    /// The containers that a request is for.
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
                // Of two limits, the one that it exceeds.
                let limit = most.min(usize::try_from(call.memory.most()).unwrap_or(usize::MAX));
                Err(self.last.failure(ContainerError::BodyTooLarge(answer.status, limit)))
            }
        }
    }

    async fn stream(&self, client: &Client, mut call: Invocation) -> Result<StreamedResponse, InvocationError> {
        let (target, headers) = self.up_to_the_last(client, &mut call).await?;
        let request = Request { id: call.request_id, target, headers, body: call.body };
        self.last.stream(client, request, &call.limits, &call.memory).await
    }

    /// Calls all containers but the last; what that one is to be asked, with its body left in `call`.
    async fn up_to_the_last(
        &self,
        client: &Client,
        call: &mut Invocation,
    ) -> Result<(Target, HeaderMap), InvocationError> {
        let arrived = Arrival::now(call.request_id);
        let target_model = call.target_model.as_ref();
        // The model is made ready before the first container works for nothing.
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
                    let limit = most.min(usize::try_from(call.memory.most()).unwrap_or(usize::MAX));
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

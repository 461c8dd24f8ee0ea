//! Invokes the containers for the requests of a queue.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Client;
use reqwest::header::HeaderValue;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use uuid::Uuid;

use crate::endpoint::client_side::asynchronous::locations::MAX_INPUT;
use crate::endpoint::client_side::asynchronous::{Job, Worker};
use crate::endpoint::client_side::aws_error::AwsError;
use crate::endpoint::client_side::services::Endpoint;
use crate::endpoint::container_side::Invocation;
use crate::leased_bytes::MemoryShare;
use crate::storage::{Folders, Object, Storage};
use byoc_formats::error::chain;

/// The context of the worker's tasks.
#[derive(Clone)]
struct WorkerContext {
    endpoint: Arc<Endpoint>,
    client: Client,
    storage: Arc<Storage>,
    inputs: Arc<Folders>,
    memory: MemoryShare,
    abandoned: watch::Receiver<bool>,
}

impl Worker {
    /// Runs until the queue is closed and empty.
    /// Inputs that are read are leased from `memory`.
    pub async fn work(mut self, endpoint: Arc<Endpoint>, client: Client, storage: Arc<Storage>, memory: MemoryShare) {
        let room = Arc::new(Semaphore::new(self.concurrent));
        let means = WorkerContext { endpoint, client, storage, inputs: self.inputs, memory, abandoned: self.abandoned };
        while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
            let Some(job) = self.jobs.recv().await else { break };
            let means = means.clone();
            actix_web::rt::spawn(async move {
                means.process(job).await;
                drop(permit);
            });
        }
        // All permits are back, so every request that was begun has ended.
        let _ = room.acquire_many(u32::try_from(self.concurrent).unwrap_or(u32::MAX)).await;
    }
}

impl WorkerContext {
    /// Processes a request and writes its response object.
    async fn process(self, job: Job) {
        let Job { id, variant, call, input, output, failure, queued, time_to_live, timeout } = job;
        let mut abandoned = self.abandoned.clone();
        let answer = async {
            if queued.elapsed() > time_to_live {
                let seconds = time_to_live.as_secs();
                let message = format!("The request waited longer than RequestTTLSeconds ({seconds}).");
                return Err(AwsError::validation(message));
            }
            let reading = input.read(&self.storage, &self.inputs, &self.memory);
            let body = tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| {
                let seconds = timeout.as_secs();
                Err(format!("The input could not be read within InvocationTimeoutSeconds ({seconds})."))
            });
            let Object { content: body, content_type } = body.map_err(AwsError::validation)?;
            // If the request has no Content-Type, the object's is used.
            let its_own = || HeaderValue::from_str(&content_type?).ok();
            let content_type = call.content_type.clone().or_else(its_own);
            self.invoke(variant, Invocation { body, content_type, ..call }, timeout, &id).await
        };
        let answer = tokio::select! {
            biased;
            _ = abandoned.wait_for(|abandoned| *abandoned) => {
                log::warn!("request {id} is given up: the endpoint stops; {failure} says so");
                Err(AwsError::service_unavailable("The endpoint stopped before the request was answered."))
            }
            answer = answer => answer,
        };
        let (place, content) = match answer {
            Ok(body) => (output, body),
            Err(error) => {
                error.log(format_args!("endpoint {}", self.endpoint.identity.endpoint), &id);
                (failure, error.to_json().into())
            }
        };
        if let Err(failure) = self.storage.write(&place, content).await {
            log::error!("request {id}: could not write {place}: {}", chain(&failure));
        }
    }

    async fn invoke(
        &self,
        variant: usize,
        mut call: Invocation,
        timeout: Duration,
        id: &Uuid,
    ) -> Result<Bytes, AwsError> {
        let variant = self.endpoint.variants().and_then(|variants| variants.get(variant));
        let variant = variant.ok_or_else(|| AwsError::service_unavailable("The variant is not there any more."))?;
        call.limits.container_timeout = timeout;
        call.limits.answer_bytes = usize::try_from(MAX_INPUT).unwrap_or(usize::MAX);
        let outcome = tokio::time::timeout(timeout, variant.invoke(&self.client, call)).await;
        let answer = match outcome {
            Ok(outcome) => {
                outcome.map_err(|failure| AwsError::from_invocation_error(&failure, &self.endpoint.identity, id))
            }
            Err(_) => {
                let seconds = timeout.as_secs();
                Err(AwsError::validation(format!("The request took longer than InvocationTimeoutSeconds ({seconds}).")))
            }
        };
        variant.count(answer.as_ref().map_or_else(AwsError::status, |_| 200));
        answer.map(|answer| answer.body)
    }
}

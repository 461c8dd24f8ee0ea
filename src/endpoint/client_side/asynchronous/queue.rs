//! The queue of an endpoint's asynchronous invocations, and who works on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Client;
use reqwest::header::HeaderValue;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use uuid::Uuid;

use super::locations::{Input, LARGEST_INPUT};
use crate::endpoint::client_side::aws_error::AwsError;
use crate::endpoint::client_side::services::Endpoint;
use crate::endpoint::container_side::Invocation;
use crate::leased_bytes::MemoryShare;
use crate::storage::{Folders, Location, Object, Storage};

/// The most requests that wait. Each may hold a body of 128,000 bytes.
const LONGEST_QUEUE: usize = 10_000;

/// One request that waits for its turn.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: Uuid,
    /// The variant's number.
    pub(super) variant: usize,
    /// What the containers are asked; its body is read when it is its turn.
    pub(super) call: Invocation,
    pub(super) input: Input,
    pub(super) output: Location,
    pub(super) failure: Location,
    pub(super) queued: Instant,
    /// RequestTTLSeconds: how long it may wait for its turn.
    pub(super) time_to_live: Duration,
    /// InvocationTimeoutSeconds: how long it may take from then on, once its input is there, and that too.
    pub(super) timeout: Duration,
}

/// Where requests wait, and where their answers will be.
#[derive(Debug)]
pub struct Queue {
    pub(super) output: Location,
    pub(super) failure: Location,
    /// Where inputs may lie that are files of this machine.
    pub(super) inputs: Arc<Folders>,
    /// Nothing once the endpoint takes no more.
    jobs: Mutex<Option<Sender<Job>>>,
    /// Whether those that were taken are given up.
    abandoned: watch::Sender<bool>,
}

/// Who works on a queue.
#[derive(Debug)]
pub struct Worker {
    jobs: Receiver<Job>,
    inputs: Arc<Folders>,
    concurrent: usize,
    abandoned: watch::Receiver<bool>,
}

/// What an answer is made with.
#[derive(Clone)]
struct WorkerContext {
    endpoint: Arc<Endpoint>,
    client: Client,
    storage: Arc<Storage>,
    inputs: Arc<Folders>,
    memory: MemoryShare,
    abandoned: watch::Receiver<bool>,
}

impl Queue {
    /// A queue whose answers go to `output` and failures to `failure`, and its worker, who works on so many at a time. Inputs
    /// that are files lie below `inputs`.
    pub fn new(output: Location, failure: Location, inputs: Arc<Folders>, concurrent: usize) -> (Queue, Worker) {
        let (sender, jobs) = mpsc::channel(LONGEST_QUEUE);
        let (abandon, abandoned) = watch::channel(false);
        let worker = Worker { jobs, inputs: Arc::clone(&inputs), concurrent, abandoned };
        (Queue { output, failure, inputs, jobs: Mutex::new(Some(sender)), abandoned: abandon }, worker)
    }

    /// Takes no more requests; the worker ends when those that wait are done.
    pub fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Gives up what was taken and is not answered yet: each gets its failure, and the worker ends.
    pub fn abandon(&self) {
        self.close();
        self.abandoned.send_replace(true);
    }

    /// Lets a request wait for its turn.
    pub(super) fn push(&self, job: Job) -> Result<(), AwsError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else {
            return Err(AwsError::service_unavailable("The endpoint is about to stop."));
        };
        let full = |_| AwsError::throttled(format!("{LONGEST_QUEUE} requests wait already; try again."));
        jobs.try_send(job).map_err(full)
    }
}

impl Worker {
    /// Works until the queue is closed and all is done.
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
        // All that were begun have given their permits back then.
        let _ = room.acquire_many(u32::try_from(self.concurrent).unwrap_or(u32::MAX)).await;
    }
}

impl WorkerContext {
    /// Answers a request into its object.
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
            // Of a request that does not say what its input is, the object does.
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
            log::error!("request {id}: could not write {place}: {failure}");
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
        call.limits.answer_bytes = usize::try_from(LARGEST_INPUT).unwrap_or(usize::MAX);
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

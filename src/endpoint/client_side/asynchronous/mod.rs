//! The waiting requests of InvokeEndpointAsync (the queue), and where their inputs and outputs are (`locations`).

pub(super) mod locations;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use uuid::Uuid;

use super::aws_error::AwsError;
use crate::endpoint::container_side::Invocation;
use crate::storage::{Folders, Location};
use locations::Input;

/// The most waiting requests. Each may hold a body of 128,000 bytes.
const MAX_QUEUE_LENGTH: usize = 10_000;

/// A waiting request.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: Uuid,
    /// The variant's number.
    pub(super) variant: usize,
    /// The request to the containers; its body is read when its turn comes.
    pub(super) call: Invocation,
    pub(super) input: Input,
    pub(super) output: Location,
    pub(super) failure: Location,
    pub(super) queued: Instant,
    /// RequestTTLSeconds: how long it may wait in the queue.
    pub(super) time_to_live: Duration,
    /// InvocationTimeoutSeconds: the time limit afterwards, for reading the input and for the invocation each.
    pub(super) timeout: Duration,
}

/// The queue, and the locations of its outputs.
#[derive(Debug)]
pub struct Queue {
    pub(super) output: Location,
    pub(super) failure: Location,
    /// The folders from which inputs that are local files may be read.
    pub(super) inputs: Arc<Folders>,
    /// `None` once the queue is closed.
    jobs: Mutex<Option<Sender<Job>>>,
    /// Whether accepted requests are abandoned.
    abandoned: watch::Sender<bool>,
}

/// The worker of a queue.
#[derive(Debug)]
pub struct Worker {
    pub(super) jobs: Receiver<Job>,
    pub(super) inputs: Arc<Folders>,
    pub(super) concurrent: usize,
    pub(super) abandoned: watch::Receiver<bool>,
}

impl Queue {
    /// A queue that writes responses to `output` and failures to `failure`, and its worker for `concurrent` requests.
    /// Inputs that are files must be below `inputs`.
    pub fn new(output: Location, failure: Location, inputs: Arc<Folders>, concurrent: usize) -> (Queue, Worker) {
        let (sender, jobs) = mpsc::channel(MAX_QUEUE_LENGTH);
        let (abandon, abandoned) = watch::channel(false);
        let worker = Worker { jobs, inputs: Arc::clone(&inputs), concurrent, abandoned };
        (Queue { output, failure, inputs, jobs: Mutex::new(Some(sender)), abandoned: abandon }, worker)
    }

    /// Stops accepting requests; the worker ends when the waiting ones are done.
    pub fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Abandons all requests that are not answered yet: each gets a failure, and the worker ends.
    pub fn abandon(&self) {
        self.close();
        self.abandoned.send_replace(true);
    }

    /// Appends a request to the queue.
    pub(super) fn push(&self, job: Job) -> Result<(), AwsError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else {
            return Err(AwsError::service_unavailable("The endpoint is about to stop."));
        };
        let full = |_| AwsError::throttled(format!("{MAX_QUEUE_LENGTH} requests wait already; try again."));
        jobs.try_send(job).map_err(full)
    }
}

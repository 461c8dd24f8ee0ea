//! The queue of an endpoint's asynchronous invocations: requests that wait for their turn, and where their inputs and answers
//! are (`locations`).

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
    pub(super) jobs: Receiver<Job>,
    pub(super) inputs: Arc<Folders>,
    pub(super) concurrent: usize,
    pub(super) abandoned: watch::Receiver<bool>,
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

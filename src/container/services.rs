//! The state that all requests of a container share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;
use byoc_account::{Allowance, Deadline, Lease, Purpose};

use crate::container::accounts::Accounts;
use crate::container::config::{Batch, Config};
use crate::container::models_root::ModelsRoot;
use crate::container::registry::{LoadedModel, Registry};
use crate::container::reply::Reply;
use crate::container::workers::{JobError, Workers};
use crate::container::{background, inline};
use crate::error::{Cause, Error, Result};
use crate::model::Answer;
use byoc_formats::media_types::MediaType;

/// The state that all requests of a container share.
#[derive(Debug)]
pub struct Services {
    /// The models of multi-model mode.
    pub registry: Arc<Registry>,
    /// The folder that models are loaded from in multi-model mode.
    pub models_root: ModelsRoot,
    /// The container's memory, by purpose.
    pub accounts: Accounts,
    /// The memory for inline responses.
    pub inline_lease: Lease,
    /// The model of single-model mode, once it is loaded.
    pub single_model: OnceLock<Arc<LoadedModel>>,
    /// The worker pool for heavier requests.
    pub workers: Workers,
    /// The media type of a response if the caller accepts any; JSON if `None`.
    pub default_accept: Option<MediaType>,
    /// The largest request body, in bytes.
    pub max_request_bytes: usize,
    /// The timeout for receiving a body.
    pub timeout: std::time::Duration,
    /// The number of requests that are processed concurrently.
    pub max_concurrent: usize,
    /// In a batch transform job, the job's payload settings.
    pub batch: Option<Batch>,
    /// The number of invocations in flight.
    pub in_flight: AtomicUsize,
}

/// Counts an invocation until it is dropped.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn begin(counter: &'a AtomicUsize) -> InFlight<'a> {
        counter.fetch_add(1, Ordering::Relaxed);
        InFlight(counter)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Services {
    /// Starts the workers of a container that has no model yet.
    ///
    /// # Errors
    /// [`Cause::Io`] if the worker threads cannot be started.
    pub fn start(config: &Config) -> Result<Services> {
        let workers = Workers::start(config.workers, config.queue, config.timeout).map_err(|error| {
            Error::new(Cause::Io, format!("could not start {} workers", config.workers)).caused_by(error)
        })?;
        let accounts = Accounts::new(config.memory, config.model_memory);
        let inline_lease = accounts.requests.lease(inline::MEMORY_PER_THREAD * config.workers as u64);
        let inline_lease = inline_lease.unwrap_or_else(|_| Lease::empty(&accounts.requests));
        Ok(Services {
            registry: Registry::new(Arc::clone(&accounts.models), config.overrides.clone()),
            models_root: ModelsRoot::new(config.models_root.clone()),
            accounts,
            inline_lease,
            single_model: OnceLock::new(),
            workers,
            default_accept: config.default_accept,
            max_request_bytes: config.max_request_bytes,
            timeout: config.timeout,
            max_concurrent: config.workers,
            batch: config.batch,
            in_flight: AtomicUsize::new(0),
        })
    }

    /// Answers a request: on this thread if it is cheap, otherwise on a worker.
    ///
    /// # Errors
    /// Those of [`crate::model::Model::invoke`]; [`Cause::Unavailable`] if the queue is full, [`Cause::Timeout`],
    /// [`Cause::Internal`] after a panic.
    pub(super) async fn invoke(
        &self,
        name: &str,
        loaded: Arc<LoadedModel>,
        content_type: Option<&str>,
        accept: Option<&str>,
        body: Bytes,
    ) -> Result<Reply> {
        let _in_flight = InFlight::begin(&self.in_flight);
        let exchange = loaded.model.negotiate(content_type, accept, self.default_accept)?;
        if let Some(_inline) = inline::begin(&loaded.cost, exchange, &body) {
            let lease = Lease::empty(&self.accounts.requests);
            let allowance = Allowance::of(lease, Purpose::Answer, Deadline::never())
                .with_thread_reserve(inline::MEMORY_PER_THREAD)
                .excluding(self.accounts.unavailable_to_requests());
            // The model is immutable and the body is owned, so a panic leaves no inconsistent state.
            let answered = catch_unwind(AssertUnwindSafe(|| loaded.answer(exchange, &body, &allowance)));
            loaded.release();
            let Answer { content_type, pieces } = answered.unwrap_or_else(|_| Err(panicked()))?;
            return Reply::new(content_type, pieces, allowance);
        }
        let work = move |allowance: Allowance| {
            let Answer { content_type, pieces } = loaded.answer(exchange, &body, &allowance)?;
            drop(body);
            Reply::new(content_type, pieces, allowance)
        };
        self.run(name, work).await
    }

    /// Runs part of an invocation on a worker. `work` gets an allowance of request memory and of the remaining time.
    ///
    /// # Errors
    /// Those of the work; [`Cause::Unavailable`] if the queue is full, [`Cause::Timeout`], [`Cause::Internal`] after a
    /// panic.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(Allowance) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let accounts = self.accounts.clone();
        let work = move |deadline| {
            let allowance = Allowance::of(Lease::empty(&accounts.requests), Purpose::Answer, deadline);
            work(allowance.excluding(accounts.unavailable_to_requests())).inspect_err(|error| {
                if matches!(error.cause(), Cause::Unavailable | Cause::PayloadTooLarge | Cause::Timeout) {
                    background::record_freed(accounts.requests.limit());
                }
            })
        };
        self.workers.run(work).await.unwrap_or_else(|error| Err(job_error(error, name)))
    }
}

fn job_error(error: JobError, name: &str) -> Error {
    match error {
        JobError::QueueFull => Error::new(
            Cause::Unavailable,
            format!("No worker is available to serve request for model: {name}. Consider increasing job queue size."),
        ),
        JobError::TimedOut => Error::new(
            Cause::Timeout,
            format!("model {name} did not answer in time: send fewer rows per request, or raise the timeout"),
        ),
        JobError::Panicked => panicked(),
    }
}

fn panicked() -> Error {
    Error::new(Cause::Internal, "the model panicked; the line above in the log says where")
}

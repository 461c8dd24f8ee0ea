//! What every request of a container shares.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;

use crate::container::accounts::Accounts;
use crate::container::config::Batch;
use crate::container::models_root::ModelsRoot;
use crate::container::registry::{Loaded, Registry};
use crate::container::workers::{Refusal, Workers};
use crate::error::{Cause, Error, Result};
use crate::model::{Answer, Invocation};
use crate::payload::MediaType;

/// The name that multi-model-server gives the one model of single-model mode (`--models model=/opt/ml/model`).
pub const SINGLE_MODEL: &str = "model";

/// A body up to this size is answered where it was read. At the slowest rate of any parser here, some 100 MB/s, that is a
/// sixth of a millisecond, which a `/ping` behind it does not notice; handing work over costs a tenth of that.
const INLINE_BYTES: usize = 16 << 10;

/// What every request of a container shares.
#[derive(Debug)]
pub struct Services {
    /// The models of multi-model mode.
    pub registry: Arc<Registry>,
    /// Where they may be loaded from.
    pub models_root: ModelsRoot,
    /// The memory of the container.
    pub accounts: Accounts,
    /// The model of single-model mode, once it is in memory.
    pub single: OnceLock<Arc<Loaded>>,
    /// Who does what takes longer.
    pub workers: Workers,
    /// The media type of an answer where the caller accepts any.
    pub default_accept: Option<MediaType>,
    /// The largest request body, in bytes.
    pub max_request_bytes: usize,
    /// How long a body may take to arrive.
    pub timeout: std::time::Duration,
    /// How many requests are worked on at once.
    pub parallel: usize,
    /// In a batch transform job, what the job says of payloads.
    pub batch: Option<Batch>,
    /// How many invocations have arrived and are not answered.
    pub in_flight: AtomicUsize,
}

/// Counts an invocation for as long as it lives.
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
    /// Has a model answer a request: at once if it is small, on a worker if not.
    ///
    /// # Errors
    /// What [`crate::model::Model::invoke`] says; [`Cause::Unavailable`] when the queue is full, [`Cause::Timeout`],
    /// [`Cause::Internal`] after a panic.
    pub async fn invoke(
        &self,
        name: &str,
        loaded: Arc<Loaded>,
        content_type: Option<&str>,
        accept: Option<&str>,
        body: Bytes,
    ) -> Result<Answer> {
        let _in_flight = InFlight::begin(&self.in_flight);
        let default_accept = self.default_accept;
        if body.len() <= INLINE_BYTES {
            let invocation = Invocation { content_type, accept, default_accept, body: &body };
            // The model is immutable and the body is ours: nothing half-changed is seen after a panic.
            return catch_unwind(AssertUnwindSafe(|| loaded.model.invoke(invocation)))
                .unwrap_or_else(|_| Err(panicked()));
        }
        let content_type = content_type.map(str::to_owned);
        let accept = accept.map(str::to_owned);
        let work = move || {
            let (content_type, accept) = (content_type.as_deref(), accept.as_deref());
            loaded.model.invoke(Invocation { content_type, accept, default_accept, body: &body })
        };
        self.workers.run(work).await.unwrap_or_else(|refusal| Err(refused(refusal, name)))
    }

    /// Has a worker do a part of an invocation.
    ///
    /// # Errors
    /// What the work says; [`Cause::Unavailable`] when the queue is full, [`Cause::Timeout`], [`Cause::Internal`] after a
    /// panic.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.workers.run(work).await.unwrap_or_else(|refusal| Err(refused(refusal, name)))
    }
}

fn refused(refusal: Refusal, name: &str) -> Error {
    match refusal {
        Refusal::QueueFull => Error::new(
            Cause::Unavailable,
            format!("No worker is available to serve request for model: {name}. Consider increasing job queue size."),
        ),
        Refusal::TimedOut => Error::new(
            Cause::Timeout,
            format!("model {name} did not answer in time: send fewer rows a request, or raise the timeout"),
        ),
        Refusal::Panicked => panicked(),
    }
}

fn panicked() -> Error {
    Error::new(Cause::Internal, "the model panicked; the line above in the log says where")
}

//! The thread that loads large models.
//!
//! Large models are loaded one at a time because a model's file is also in memory during loading. They share one thread
//! because the allocator keeps freed memory in a cache of the thread that freed it: with many threads, the files of
//! models loaded long ago would stay in memory, outside the budget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use crate::error::{Cause, Error, Result};

type Job = Box<dyn FnOnce() + Send>;

/// The thread. It starts with the first job and ends when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Loader(OnceLock<Sender<Job>>);

impl Loader {
    /// Runs a job on the thread and waits for its result.
    ///
    /// # Errors
    /// Those of the job; [`Cause::Internal`] if it panics or the thread cannot be started.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = channel();
        let job: Job = Box::new(move || {
            let _ = answer.send(work());
        });
        self.0.get_or_init(start).send(job).map_err(|_| did_not_finish())?;
        answered.recv().map_err(|_| did_not_finish())?
    }
}

fn start() -> Sender<Job> {
    let (sender, jobs) = channel::<Job>();
    let thread = std::thread::Builder::new().name("loader".to_owned()).spawn(move || {
        for job in jobs {
            // A panic drops the job with its sender, so the waiting caller gets an error.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    });
    if let Err(error) = thread {
        // The receiver is dropped with the closure, so sending a job fails.
        log::error!("could not start the thread that loads large models: {error}");
    }
    sender
}

fn did_not_finish() -> Error {
    Error::new(Cause::Internal, "loading did not finish")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_run_on_one_thread_which_survives_a_panic() {
        let loader = Loader::default();
        let on = || Ok(std::thread::current().id());
        let first = loader.run(on).unwrap();
        assert_ne!(first, std::thread::current().id());
        let failed = loader.run(|| -> Result<()> { panic!("expected by the test") }).unwrap_err();
        assert_eq!(failed.cause(), Cause::Internal);
        assert_eq!(std::thread::scope(|scope| scope.spawn(|| loader.run(on)).join().unwrap()).unwrap(), first);
    }
}

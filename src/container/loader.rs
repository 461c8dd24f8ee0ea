//! The thread that loads large models.
//!
//! They are loaded one by one, since a model's file is also in memory during loading; and all on one thread: the C
//! library keeps freed memory for the thread that freed it, so with many threads the files of models that were loaded
//! long ago would stay in memory, outside the budget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use crate::error::{Cause, Error, Result};

type Job = Box<dyn FnOnce() + Send>;

/// The thread, started when there is work for it. It ends with its owner.
#[derive(Debug, Default)]
pub(super) struct Loader(OnceLock<Sender<Job>>);

impl Loader {
    /// Runs work on the thread, and waits for it.
    ///
    /// # Errors
    /// Those of the work; [`Cause::Internal`] after a panic, or if no thread can be started.
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
            // A panic drops the job's partial work and its sender, which the waiting caller notices.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    });
    if let Err(error) = thread {
        // The receiver of jobs was dropped with the thread that did not start.
        log::error!("could not start a thread for large models: {error}");
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
    fn all_work_is_done_on_one_thread_and_a_panic_ends_only_its_own() {
        let loader = Loader::default();
        let on = || Ok(std::thread::current().id());
        let first = loader.run(on).unwrap();
        assert_ne!(first, std::thread::current().id());
        let failed = loader.run(|| -> Result<()> { panic!("of a test") }).unwrap_err();
        assert_eq!(failed.cause(), Cause::Internal);
        assert_eq!(std::thread::scope(|scope| scope.spawn(|| loader.run(on)).join().unwrap()).unwrap(), first);
    }
}

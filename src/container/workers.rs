//! The workers: a bounded thread pool for requests that would block a connection's thread for too long.
//!
//! A small request is answered on the thread that read it, because handing it over would cost more. A large one goes to
//! a worker, so that `/ping` never waits for it. The queue is bounded (multi-model-server's `job_queue_size`). The
//! deadline counts from arrival: a request that has waited too long is not started.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use byoc_account::Deadline;
use tokio::sync::oneshot;

/// The pool. When it is dropped, its threads end and queued jobs are discarded.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    timeout: Duration,
}

/// Why the workers did not finish a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobError {
    /// The queue is full.
    QueueFull,
    /// The deadline passed. A running job can tell from its [`Deadline`].
    TimedOut,
    /// The job panicked; the panic is in the log.
    Panicked,
}

struct Shared {
    queue: Mutex<Queue>,
    job_queued: Condvar,
    capacity: usize,
}

struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    deadline: Instant,
    run: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl Shared {
    /// No code that can panic runs while the lock is held, so the queue is valid even if it is poisoned.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            match queue.jobs.pop_front() {
                Some(job) => return Some(job),
                None => queue = self.job_queued.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Workers {
    /// Starts `threads` threads with a queue of `capacity` jobs. A job must end within `timeout` of its arrival.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(threads: usize, capacity: usize, timeout: Duration) -> std::io::Result<Workers> {
        let queue = Mutex::new(Queue { jobs: VecDeque::new(), closed: false });
        let workers = Workers { shared: Arc::new(Shared { queue, job_queued: Condvar::new(), capacity }), timeout };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&workers.shared);
            std::thread::Builder::new().name(format!("byoc-worker-{number}")).spawn(move || {
                while let Some(job) = shared.next() {
                    if Instant::now() < job.deadline {
                        (job.run)();
                    }
                }
            })?;
        }
        Ok(workers)
    }

    /// Runs a job on a worker and waits for its result. The job gets its deadline, which expires at once if the
    /// returned future is dropped.
    ///
    /// # Errors
    /// If the queue is full, the deadline passes, or the job panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Deadline) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let deadline = Instant::now() + self.timeout;
        let (until, _waiting) = Deadline::at(deadline).cancelable();
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move || {
            // If the caller has dropped the receiver, nobody needs the result.
            if !answer.is_closed() {
                // The job owns its state, so a panic leaves nothing inconsistent.
                let done = catch_unwind(AssertUnwindSafe(|| work(until)));
                let _ = answer.send(done.map_err(|_| JobError::Panicked));
            }
        });
        {
            let mut queue = self.shared.lock();
            if queue.jobs.len() >= self.shared.capacity {
                return Err(JobError::QueueFull);
            }
            queue.jobs.push_back(Job { deadline, run });
        }
        self.shared.job_queued.notify_one();
        match tokio::time::timeout_at(deadline.into(), answered).await {
            Ok(Ok(answer)) => answer,
            // The job was dropped without being run because its deadline had passed.
            Ok(Err(_)) | Err(_) => Err(JobError::TimedOut),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.jobs.clear();
        drop(queue);
        self.shared.job_queued.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[actix_web::test]
    async fn a_job_runs_and_its_result_is_returned() {
        let workers = Workers::start(2, 10, LONG).unwrap();
        assert_eq!(workers.run(|_| 6 * 7).await, Ok(42));
    }

    #[actix_web::test]
    async fn a_panic_is_reported_and_the_worker_survives() {
        let workers = Workers::start(1, 10, LONG).unwrap();
        assert_eq!(workers.run(|_| panic!("expected by the test")).await, Err::<(), _>(JobError::Panicked));
        assert_eq!(workers.run(|_| 1).await, Ok(1));
    }

    #[actix_web::test]
    async fn a_full_queue_refuses_at_once() {
        let workers = Workers::start(1, 1, LONG).unwrap();
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let busy = workers.run(move |_| {
            started.send(()).unwrap();
            released.recv().unwrap();
        });
        let mut busy = Box::pin(busy);
        assert!(futures_util::poll!(&mut busy).is_pending());
        has_started.recv().unwrap();
        let mut waiting = Box::pin(workers.run(|_| ()));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(workers.run(|_| ()).await, Err(JobError::QueueFull));
        release.send(()).unwrap();
        assert_eq!((busy.await, waiting.await), (Ok(()), Ok(())));
    }

    #[actix_web::test]
    async fn a_job_that_waited_past_its_deadline_is_not_started() {
        let workers = Workers::start(1, 10, Duration::from_millis(20)).unwrap();
        let (release, released) = mpsc::channel::<()>();
        let mut busy = Box::pin(workers.run(move |_| released.recv()));
        assert!(futures_util::poll!(&mut busy).is_pending());
        let (begun, has_begun) = mpsc::channel();
        assert_eq!(workers.run(move |_| begun.send(())).await, Err(JobError::TimedOut));
        assert!(busy.await.is_err());
        release.send(()).unwrap();
        assert!(has_begun.recv().is_err(), "the job was dropped without being run");
    }

    #[actix_web::test]
    async fn the_deadline_expires_when_the_caller_stops_waiting() {
        let workers = Workers::start(1, 10, LONG).unwrap();
        let (started, has_started) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        let work = workers.run(move |deadline| {
            started.send(()).unwrap();
            while !deadline.has_passed() {
                std::thread::yield_now();
            }
            ended.send(()).unwrap();
        });
        let mut work = Box::pin(work);
        assert!(futures_util::poll!(&mut work).is_pending());
        has_started.recv().unwrap();
        drop(work);
        has_ended.recv().unwrap();
    }
}

//! The workers: a bounded pool for requests that would block a connection's thread too long.
//!
//! A small request is answered on the thread that read it: passing it on would cost more. A large one goes to a worker,
//! so that `/ping` is never queued behind it. The queue is bounded (multi-model-server's `job_queue_size`), and the
//! deadline counts from arrival: a request that has waited too long is not begun.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use byoc_account::Deadline;
use tokio::sync::oneshot;

/// The pool. Its threads end when it is dropped; jobs that are still queued are not begun.
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
    /// The deadline passed. Work that has begun is notified.
    TimedOut,
    /// The work panicked; the panic is in the log.
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
    /// No code that can panic runs under this lock, so a poisoned queue is a sound one.
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
    /// Starts `threads` threads with a queue of `capacity` jobs, each with a `timeout` from its arrival to its end.
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

    /// Runs work on a worker and waits for it. The work gets its deadline, which expires at once if the caller goes
    /// away.
    ///
    /// # Errors
    /// When the queue is full, the deadline passes, or the work panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Deadline) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let deadline = Instant::now() + self.timeout;
        let (until, _waiting) = Deadline::at(deadline).cancelable();
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move || {
            // The caller has dropped the receiver: the result is not needed.
            if !answer.is_closed() {
                // The work is moved in, so a panic leaves no inconsistent state.
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
            // The job was dropped without being run: its deadline had passed.
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
    async fn work_is_done_and_its_result_comes_back() {
        let workers = Workers::start(2, 10, LONG).unwrap();
        assert_eq!(workers.run(|_| 6 * 7).await, Ok(42));
    }

    #[actix_web::test]
    async fn a_panic_is_reported_and_the_worker_lives() {
        let workers = Workers::start(1, 10, LONG).unwrap();
        assert_eq!(workers.run(|_| panic!("expected by the test")).await, Err::<(), _>(JobError::Panicked));
        assert_eq!(workers.run(|_| 1).await, Ok(1));
    }

    #[actix_web::test]
    async fn a_full_queue_refuses_inline() {
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
    async fn what_waited_past_its_deadline_is_never_begun() {
        let workers = Workers::start(1, 10, Duration::from_millis(20)).unwrap();
        let (release, released) = mpsc::channel::<()>();
        let mut busy = Box::pin(workers.run(move |_| released.recv()));
        assert!(futures_util::poll!(&mut busy).is_pending());
        let (begun, has_begun) = mpsc::channel();
        assert_eq!(workers.run(move |_| begun.send(())).await, Err(JobError::TimedOut));
        assert!(busy.await.is_err());
        release.send(()).unwrap();
        assert!(has_begun.recv().is_err(), "its sender was dropped unused");
    }

    #[actix_web::test]
    async fn work_that_nobody_waits_for_any_more_is_told_so() {
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

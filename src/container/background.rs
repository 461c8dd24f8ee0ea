//! Threads for blocking work, and the return of freed memory to the system.
//!
//! Models are loaded and freed on threads that end soon afterwards. The allocator caches some of the blocks that a
//! thread frees until that thread ends. The blocks are small and scattered, and a page with one of them cannot be
//! returned. On tokio's own blocking threads, which live for ten seconds after their last job, two thirds of the memory
//! of 20,000 unloaded models stayed allocated.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How many models are loaded or freed at the same time. Loading waits for files about as long as it computes.
const MAX_THREADS: usize = 8;

/// How long an idle thread waits for another job before it ends.
const KEEP_ALIVE: Duration = Duration::from_millis(100);

/// Memory is returned once nothing has been freed for this long, so that the threads that freed it have ended.
const QUIET_PERIOD: Duration = Duration::from_millis(300);
/// The longest wait for a quiet period: while memory is freed continuously, it is also returned at this interval.
const MAX_WAIT: Duration = Duration::from_secs(1);
const _: () = assert!(KEEP_ALIVE.as_millis() < QUIET_PERIOD.as_millis());

/// The least number of freed bytes for which the allocator's pages are searched for unused ones.
const MIN_FREED_BYTES: u64 = 1 << 20;

/// The runtime of the threads. It is never dropped, because dropping a runtime in asynchronous code panics.
static BACKGROUND_RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_current_thread()
        .max_blocking_threads(MAX_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_name("background")
        .build()
        .inspect_err(|error| log::warn!("memory of unloaded models may stay allocated: {error}"))
});

/// Runs blocking work on a background thread. It runs to its end even if the handle is dropped.
pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*BACKGROUND_RUNTIME {
        Ok(runtime) => runtime.spawn_blocking(work),
        Err(_) => actix_web::rt::task::spawn_blocking(work),
    }
}

/// Bytes of models and requests that were freed since memory was last returned.
static FREED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Records freed bytes of a model or request. Once enough have accumulated, a separate thread returns memory to the
/// system.
pub(super) fn record_freed(bytes: u64) {
    let before = FREED_BYTES.fetch_add(bytes, Ordering::Relaxed);
    if before >= MIN_FREED_BYTES || before.saturating_add(bytes) < MIN_FREED_BYTES {
        // Either too little was freed, or an earlier call has already started the thread.
        return;
    }
    let started = std::thread::Builder::new().name("memory-return".to_owned()).spawn(|| {
        // Threads that are still freeing have cached blocks, so memory is returned again after they have ended.
        while !wait_until_quiet() {
            byoc_allocator::return_freed_memory();
        }
        // Reset the counter first: what is freed from now on counts towards the next thread.
        FREED_BYTES.store(0, Ordering::Relaxed);
        byoc_allocator::return_freed_memory();
    });
    if let Err(error) = started {
        log::warn!("memory of unloaded models stays allocated: could not start a thread to return it: {error}");
        FREED_BYTES.store(0, Ordering::Relaxed);
    }
}

/// Waits until nothing has been freed for [`QUIET_PERIOD`]. Returns false if that takes longer than [`MAX_WAIT`].
fn wait_until_quiet() -> bool {
    let mut waited = Duration::ZERO;
    let mut freed = FREED_BYTES.load(Ordering::Relaxed);
    while waited < MAX_WAIT {
        std::thread::sleep(QUIET_PERIOD);
        waited += QUIET_PERIOD;
        let now = FREED_BYTES.load(Ordering::Relaxed);
        if now == freed {
            return true;
        }
        freed = now;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn work_runs_on_another_thread_and_a_panic_affects_no_other_work() {
        let here = std::thread::current().id();
        assert_ne!(spawn(|| std::thread::current().id()).await.unwrap(), here);
        assert!(spawn(|| -> u32 { panic!("expected by the test") }).await.is_err());
        assert_eq!(spawn(|| 7).await.unwrap(), 7);
    }
}

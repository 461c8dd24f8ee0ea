//! What takes longer than an event loop may, and memory that goes back to the system afterwards.
//!
//! Models are loaded and freed on threads that end soon after. An allocator keeps some of what a thread has freed for that
//! thread, in small blocks that lie all over the memory, and a page that holds one such block cannot go back: on tokio's own
//! threads for blocking work, which wait ten seconds for more, two thirds of the memory of 20,000 unloaded models stayed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How many models are loaded or freed at once. A load waits for files as much as it computes.
const MAX_THREADS: usize = 8;

/// How long a thread waits for more to do.
const KEEP_ALIVE: Duration = Duration::from_millis(100);

/// Memory is returned once nothing was freed for this time, so that the threads that freed it have ended.
const QUIET_PERIOD: Duration = Duration::from_millis(300);
/// While more is freed all the time, memory is also returned at this interval.
const MAX_WAIT: Duration = Duration::from_secs(1);
const _: () = assert!(KEEP_ALIVE.as_millis() < QUIET_PERIOD.as_millis());

/// Less is not worth a walk over what the allocator has.
const MIN_FREED_BYTES: u64 = 1 << 20;

/// Never dropped: a runtime may not be where asynchronous code runs.
static BACKGROUND_RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_current_thread()
        .max_blocking_threads(MAX_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_name("background")
        .build()
        .inspect_err(|error| log::warn!("memory may stay after models are unloaded: {error}"))
});

/// Has a thread do something that may block. It goes on to its end even where nobody waits for it.
pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*BACKGROUND_RUNTIME {
        Ok(runtime) => runtime.spawn_blocking(work),
        Err(_) => actix_web::rt::task::spawn_blocking(work),
    }
}

/// Bytes of models and of requests that were freed since memory went back last.
static FREED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Says that so many bytes of a model or of a request were freed. Once it is worth it, the memory goes back to the system: soon, and on a
/// thread that answers nobody.
pub(super) fn record_freed(bytes: u64) {
    let before = FREED_BYTES.fetch_add(bytes, Ordering::Relaxed);
    if before >= MIN_FREED_BYTES || before.saturating_add(bytes) < MIN_FREED_BYTES {
        // Too little, or somebody before us has come to the threshold and started the thread.
        return;
    }
    let started = std::thread::Builder::new().name("memory-return".to_owned()).spawn(|| {
        // Threads that are still freeing keep blocks in their caches, so that the last walk comes after them.
        while !wait_until_quiet() {
            byoc_allocator::return_freed_memory();
        }
        // Before the walk and not after it: what is freed during the walk counts for the next thread.
        FREED_BYTES.store(0, Ordering::Relaxed);
        byoc_allocator::return_freed_memory();
    });
    if let Err(error) = started {
        log::warn!("memory stays although models were unloaded: no thread could be started: {error}");
        FREED_BYTES.store(0, Ordering::Relaxed);
    }
}

/// Waits until nothing was freed for [`QUIET`]; false if that did not come within [`LONGEST`].
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
    async fn work_is_done_elsewhere_and_a_panic_ends_only_its_own() {
        let here = std::thread::current().id();
        assert_ne!(spawn(|| std::thread::current().id()).await.unwrap(), here);
        assert!(spawn(|| -> u32 { panic!("of a test") }).await.is_err());
        assert_eq!(spawn(|| 7).await.unwrap(), 7);
    }
}

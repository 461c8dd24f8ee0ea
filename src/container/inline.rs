//! Decides which requests are answered inline: on the thread that read them.
//!
//! Handing a request to a worker costs as much as answering a few rows. So a light request is always answered inline. A
//! heavier one is answered inline only while its thread has spent little time on such requests in this turn of the
//! event loop: many requests may arrive together, and a `/ping` among them waits for all those before it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::model::{Cost, Exchange};

/// The memory for inline responses that each thread has, in bytes. A response that needs more leases the rest.
pub(super) const MEMORY_PER_THREAD: u64 = 256 << 10;

/// The largest body that may be answered inline, in bytes.
const MAX_BODY_BYTES: usize = 16 << 10;
/// A request up to this cost is light: it costs no more than reading the request and sending the response.
const LIGHT_NANOSECONDS: u64 = 50_000;
/// The most expensive request that is answered inline, in nanoseconds on a slow core.
const MAX_NANOSECONDS: u64 = 1_000_000;
/// A thread that has spent this time on heavier requests answers no more of them inline in the same turn.
const MAX_PER_TURN: Duration = Duration::from_millis(2);

thread_local! {
    /// The time that this thread has spent on heavier requests in this turn of the event loop.
    static SPENT_THIS_TURN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Measures the time of an inline response until it is dropped.
#[derive(Debug)]
pub(super) struct InlineGuard {
    /// The start time; `None` for a light request.
    begun: Option<Instant>,
}

/// Begins an inline response; `None` if a worker should compute it.
pub(super) fn begin(cost: &Cost, exchange: Exchange, body: &[u8]) -> Option<InlineGuard> {
    if body.len() > MAX_BODY_BYTES {
        return None;
    }
    match cost.nanoseconds(exchange, body) {
        ..=LIGHT_NANOSECONDS => Some(InlineGuard { begun: None }),
        ..=MAX_NANOSECONDS if SPENT_THIS_TURN.get() < MAX_PER_TURN => Some(InlineGuard { begun: Some(Instant::now()) }),
        _ => None,
    }
}

impl Drop for InlineGuard {
    fn drop(&mut self) {
        let Some(begun) = self.begun else { return };
        if SPENT_THIS_TURN.get() == Duration::ZERO {
            // This task runs after all tasks that are ready now, so it starts a new turn.
            actix_web::rt::spawn(async { SPENT_THIS_TURN.set(Duration::ZERO) });
        }
        SPENT_THIS_TURN.set(SPENT_THIS_TURN.get() + begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use byoc_account::Allowance;

    use super::*;
    use crate::model::Artifact;
    use byoc_sklearn::preprocessor::Overrides;

    #[actix_web::test]
    async fn light_requests_are_always_answered_inline_and_few_heavier_ones_in_a_turn() {
        let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sklearn/1.4.2/housing");
        let model = Artifact::find(&fixture)
            .and_then(|found| found.load(&Overrides::default(), &Allowance::unbounded()))
            .unwrap();
        let (cost, exchange) = (Cost::of(&model), model.negotiate(Some("text/csv"), None, None).unwrap());
        let row = "1993,2728,6,3.0,0.7,1,y,y\n";
        let begin = |rows: usize| begin(&cost, exchange, row.repeat(rows).as_bytes());
        assert!(begin(1).unwrap().begun.is_none());
        assert!(begin(1000).is_none(), "too heavy for any turn");
        let first = begin(200).unwrap();
        std::thread::sleep(MAX_PER_TURN);
        drop(first);
        assert!(begin(200).is_none());
        assert!(begin(1).is_some());
        tokio::task::yield_now().await;
        assert!(begin(200).is_some(), "the next turn");
    }
}

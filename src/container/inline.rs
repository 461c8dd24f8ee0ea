//! Decides which requests are answered on the thread that read them.
//!
//! Passing a request to a worker costs as much as answering some rows. So a light request is answered on its own
//! thread, and a heavier one only while the thread has done few of them in this turn: the requests of many connections
//! may have arrived together, and a `/ping` among them waits for all before it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::model::{Cost, Exchange};

/// The memory that a thread has for inline responses. More is leased, as for a worker.
pub(super) const MEMORY_PER_THREAD: u64 = 256 << 10;

/// The largest body that is considered for an inline response.
const MAX_BODY_BYTES: usize = 16 << 10;
/// The cost that is no more than reading the request and sending the response: a worker would save nothing.
const LIGHT_NANOSECONDS: u64 = 50_000;
/// The most expensive request that is answered inline, in nanoseconds of a slow core.
const MAX_NANOSECONDS: u64 = 1_000_000;
/// The most heavier work that a thread does in a turn.
const MAX_PER_TURN: Duration = Duration::from_millis(2);

thread_local! {
    /// The heavier work that this thread has done since all ready tasks had their turn.
    static SPENT_THIS_TURN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A response that is computed inline.
#[derive(Debug)]
pub(super) struct InlineGuard {
    /// When it began, if it is not light.
    begun: Option<Instant>,
}

/// Begins an inline response, unless a worker should do it.
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
            // Runs when all that are ready now have had their turn.
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
    async fn a_thread_answers_what_is_light_always_and_in_a_turn_little_of_what_is_not() {
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

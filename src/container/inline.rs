//! Which requests are answered on the thread that read them.
//!
//! To hand a request to a worker costs as much as to answer some rows. So what is light is answered where it was read, and
//! what is heavier than that only as long as the thread has done little of it in this turn: the requests of many connections
//! may have arrived together, and a `/ping` among them waits for all before it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::model::{Cost, Exchange};

/// The memory that a thread has for answers at once. More is leased, as a worker's.
pub(super) const ALLOWANCE: u64 = 256 << 10;

/// A larger body is not even looked at.
const MOST_BYTES: usize = 16 << 10;
/// What takes no longer than reading the request and sending the answer does: refusing it would save nothing.
const LIGHT: u64 = 50_000;
/// The heaviest that is answered at once, in nanoseconds of a slow core.
const HEAVIEST: u64 = 1_000_000;
/// How much of what is not light a thread does in a turn.
const MOST: Duration = Duration::from_millis(2);

thread_local! {
    /// What this thread has done of what is not light since every task that was ready had its turn.
    static DONE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// An answer that is made at once.
#[derive(Debug)]
pub(super) struct InlineGuard {
    /// When it was begun, if it is not light.
    begun: Option<Instant>,
}

/// Begins to answer a request at once, unless it is better done by a worker.
pub(super) fn begin(cost: &Cost, exchange: Exchange, body: &[u8]) -> Option<InlineGuard> {
    if body.len() > MOST_BYTES {
        return None;
    }
    match cost.nanoseconds(exchange, body) {
        ..=LIGHT => Some(InlineGuard { begun: None }),
        ..=HEAVIEST if DONE.get() < MOST => Some(InlineGuard { begun: Some(Instant::now()) }),
        _ => None,
    }
}

impl Drop for InlineGuard {
    fn drop(&mut self) {
        let Some(begun) = self.begun else { return };
        if DONE.get() == Duration::ZERO {
            // Runs when all that are ready now have had their turn.
            actix_web::rt::spawn(async { DONE.set(Duration::ZERO) });
        }
        DONE.set(DONE.get() + begun.elapsed());
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
        let (cost, exchange) = (Cost::of(&model), model.agree(Some("text/csv"), None, None).unwrap());
        let row = "1993,2728,6,3.0,0.7,1,y,y\n";
        let begin = |rows: usize| begin(&cost, exchange, row.repeat(rows).as_bytes());
        assert!(begin(1).unwrap().begun.is_none());
        assert!(begin(1000).is_none(), "too heavy for any turn");
        let first = begin(200).unwrap();
        std::thread::sleep(MOST);
        drop(first);
        assert!(begin(200).is_none());
        assert!(begin(1).is_some());
        tokio::task::yield_now().await;
        assert!(begin(200).is_some(), "the next turn");
    }
}

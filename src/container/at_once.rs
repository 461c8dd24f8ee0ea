//! Which requests are answered on the thread that read them.
//!
//! To hand a request to a worker costs as much as to answer a row. So what is light is answered where it was read, and what is
//! heavier than that only as long as the thread has done little of it lately: the requests of many connections may have arrived
//! together, and a `/ping` among them waits for all before it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::model::{Cost, Exchange};

/// The memory that a thread has for answers at once. More is leased, as a worker's.
pub(super) const STANDING: u64 = 256 << 10;

/// A larger body is not even looked at.
const MOST_BYTES: usize = 16 << 10;
/// What takes no longer than reading the request and sending the answer does: refusing it would save nothing.
const LIGHT: u64 = 50_000;
/// The heaviest that is answered at once, in nanoseconds of a slow core.
const HEAVIEST: u64 = 500_000;
/// How much of what is not light a thread answers in [`WINDOW`], in nanoseconds.
const MOST: u64 = 2_000_000;
const WINDOW: Duration = Duration::from_millis(5);

thread_local! {
    /// When this thread's window began, and what it has answered in it.
    static LATELY: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
}

/// Whether a request may be answered at once; it counts as if it were.
pub(super) fn may_answer(cost: &Cost, exchange: Exchange, body: &[u8]) -> bool {
    body.len() <= MOST_BYTES && may_take(cost.nanoseconds(exchange, body), Instant::now)
}

fn may_take(nanoseconds: u64, now: impl FnOnce() -> Instant) -> bool {
    if nanoseconds <= LIGHT {
        return true;
    }
    if nanoseconds > HEAVIEST {
        return false;
    }
    let now = now();
    let (begun, done) = match LATELY.get() {
        Some((begun, done)) if now.duration_since(begun) < WINDOW => (begun, done),
        _ => (now, 0),
    };
    let after = done + nanoseconds;
    if after > MOST {
        return false;
    }
    LATELY.set(Some((begun, after)));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_answers_what_is_light_always_and_little_of_what_is_not() {
        let begun = Instant::now();
        let at = |after: Duration| move || begun + after;
        let heavy = |after| may_take(HEAVIEST, at(after));
        assert!((0..4).all(|_| heavy(Duration::ZERO)));
        assert!(!heavy(Duration::ZERO), "more than a window has");
        assert!(may_take(LIGHT, at(Duration::ZERO)));
        assert!(!may_take(HEAVIEST + 1, at(WINDOW)));
        assert!(heavy(WINDOW), "the next window has begun");
    }
}

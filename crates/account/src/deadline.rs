//! Until when a piece of work may go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A time after which nobody waits for the work, and whether somebody still does.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    at: Option<Instant>,
    given_up: Option<Arc<AtomicBool>>,
}

/// Tells a piece of work, when it is dropped, that nobody waits for it.
#[derive(Debug)]
pub struct GivenUp(Arc<AtomicBool>);

impl Deadline {
    /// Work that may take its time: there is no one who would not wait.
    pub fn never() -> Deadline {
        Deadline::default()
    }

    /// Work that must end by then.
    pub fn at(instant: Instant) -> Deadline {
        Deadline { at: Some(instant), given_up: None }
    }

    /// The same deadline for work that also ends once what comes with it is dropped.
    pub fn or_given_up(self) -> (Deadline, GivenUp) {
        let flag = Arc::new(AtomicBool::new(false));
        (Deadline { given_up: Some(Arc::clone(&flag)), ..self }, GivenUp(flag))
    }

    /// Whether the work has to end.
    pub fn has_passed(&self) -> bool {
        self.given_up.as_ref().is_some_and(|given_up| given_up.load(Ordering::Relaxed))
            || self.at.is_some_and(|at| Instant::now() >= at)
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_deadline_passes_with_its_time_or_when_nobody_waits_any_more() {
        assert!(!Deadline::never().has_passed());
        assert!(Deadline::at(Instant::now()).has_passed());
        let (deadline, waiting) = Deadline::at(Instant::now() + Duration::from_secs(3600)).or_given_up();
        let same = deadline.clone();
        assert!(!same.has_passed());
        drop(waiting);
        assert!(same.has_passed());
    }
}

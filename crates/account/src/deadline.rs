//! Deadlines of tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// When a task must end: at an instant, or as soon as it is canceled.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    at: Option<Instant>,
    canceled: Option<Arc<AtomicBool>>,
}

/// Cancels a task when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Arc<AtomicBool>);

impl Deadline {
    /// No deadline.
    pub fn never() -> Deadline {
        Deadline::default()
    }

    /// A deadline at an instant.
    pub fn at(instant: Instant) -> Deadline {
        Deadline { at: Some(instant), canceled: None }
    }

    /// The same deadline, which also passes as soon as the returned guard is dropped.
    pub fn cancelable(self) -> (Deadline, CancelOnDrop) {
        let flag = Arc::new(AtomicBool::new(false));
        (Deadline { canceled: Some(Arc::clone(&flag)), ..self }, CancelOnDrop(flag))
    }

    /// Whether the task must end.
    pub fn has_passed(&self) -> bool {
        self.canceled.as_ref().is_some_and(|canceled| canceled.load(Ordering::Relaxed))
            || self.at.is_some_and(|at| Instant::now() >= at)
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_deadline_passes_at_its_time_or_when_its_guard_is_dropped() {
        assert!(!Deadline::never().has_passed());
        assert!(Deadline::at(Instant::now()).has_passed());
        let (deadline, guard) = Deadline::at(Instant::now() + Duration::from_secs(3600)).cancelable();
        let clone = deadline.clone();
        assert!(!clone.has_passed());
        drop(guard);
        assert!(clone.has_passed());
    }
}

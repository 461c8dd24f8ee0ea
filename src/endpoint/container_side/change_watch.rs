//! Checking whether the artifact of a loaded model was replaced or deleted.
//!
//! On AWS a loaded model goes on answering whatever happens to its artifact, and so it does here ([`ModelRefresh::Never`]), but a
//! background check logs the change once. With [`ModelRefresh::Changed`] each
//! request looks before it is answered, for the loop of train, replace and invoke.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::{Location, StorageError, Version};

/// How long a request waits for a look at its model's place.
const CHECK_LIMIT: Duration = Duration::from_secs(3);
/// How long nobody looks after a look that came to nothing.
const CHECK_BACKOFF: Duration = Duration::from_secs(20);

/// What happens when an artifact is replaced or deleted while its model is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelRefresh {
    /// The model goes on answering, as on AWS; the log says it once.
    #[default]
    Never,
    /// The next request is answered by what lies there then.
    Changed,
}

/// How an artifact stands to what was loaded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArtifactState {
    Unchanged,
    Changed,
    Deleted,
    /// Why it could not be looked at.
    Unknown(String),
}

impl ArtifactState {
    /// What a look at the artifact's place says of the version that was loaded.
    pub(super) fn of(loaded: &Version, now: Result<Version, StorageError>) -> ArtifactState {
        match now {
            Ok(version) if version == *loaded => ArtifactState::Unchanged,
            Ok(_) => ArtifactState::Changed,
            Err(StorageError::NotFound | StorageError::NoSuchBucket | StorageError::InvalidKey(_)) => {
                ArtifactState::Deleted
            }
            Err(failure) => ArtifactState::Unknown(failure.to_string()),
        }
    }

    /// The same of a look that is given up after [`CHECK_LIMIT`]: a request waits for it.
    pub(super) async fn checked(
        loaded: &Version,
        look: impl Future<Output = Result<Version, StorageError>>,
    ) -> ArtifactState {
        match tokio::time::timeout(CHECK_LIMIT, look).await {
            Ok(now) => ArtifactState::of(loaded, now),
            Err(_) => no_answer(),
        }
    }

    /// The same where nothing was when somebody looked last.
    pub(super) async fn checked_where_nothing_was(
        look: impl Future<Output = Result<Version, StorageError>>,
    ) -> ArtifactState {
        match tokio::time::timeout(CHECK_LIMIT, look).await {
            Ok(Ok(_)) => ArtifactState::Changed,
            Ok(Err(StorageError::NotFound | StorageError::NoSuchBucket)) => ArtifactState::Unchanged,
            Ok(Err(failure)) => ArtifactState::Unknown(failure.to_string()),
            Err(_) => no_answer(),
        }
    }

    /// What the log says of it, once.
    pub(super) fn change(&self) -> Option<&'static str> {
        match self {
            ArtifactState::Changed => Some("has changed since it was loaded"),
            ArtifactState::Deleted => Some("was deleted since it was loaded"),
            ArtifactState::Unchanged | ArtifactState::Unknown(_) => None,
        }
    }
}

fn no_answer() -> ArtifactState {
    ArtifactState::Unknown(format!("no answer within {} s", CHECK_LIMIT.as_secs()))
}

/// What the log says of a place that could not be looked at.
pub(super) fn check_failed(place: &str, problem: &str) -> String {
    format!(
        "{place} could not be looked at: {problem}; requests are answered by the model as it was loaded, and the next look is \
         in {} s",
        CHECK_BACKOFF.as_secs()
    )
}

/// A while in which nobody looks at a place, since the last look came to nothing.
#[derive(Debug, Default)]
pub(super) struct CheckBackoff(std::sync::Mutex<Option<Instant>>);

impl CheckBackoff {
    /// Whether it is not over yet.
    pub(super) fn is_active(&self) -> bool {
        let begun = *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        begun.is_some_and(|begun| begun.elapsed() < CHECK_BACKOFF)
    }

    pub(super) fn begin(&self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }
}

/// How soon after a request somebody looks at what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckInterval {
    /// At once, but no sooner than so long after the last time: a look at a file costs nothing.
    AtMostEvery(Duration),
    /// So long after it: S3 is asked no more often, and not for a model that is used once.
    After(Duration),
}

impl CheckInterval {
    /// For what lies in folders of this machine.
    pub(super) const FILES: CheckInterval = CheckInterval::AtMostEvery(Duration::from_secs(1));
    /// For what lies in S3.
    pub(super) const OBJECTS: CheckInterval = CheckInterval::After(Duration::from_secs(20));

    /// The interval of looks at a place.
    pub(super) fn of(location: &Location) -> CheckInterval {
        match location {
            Location::Local(_) => CheckInterval::FILES,
            Location::S3 { .. } => CheckInterval::OBJECTS,
        }
    }
}

/// Who looks now and then, at most one at a time, and until there was something to say.
#[derive(Debug)]
pub(super) struct ChangeWatcher {
    interval: CheckInterval,
    state: AtomicU8,
    last: std::sync::Mutex<Option<Instant>>,
}

const IDLE: u8 = 0;
const LOOKING: u8 = 1;
const DONE: u8 = 2;

impl ChangeWatcher {
    /// Whether nobody looks now, and nothing was said yet.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Acquire) == IDLE
    }

    /// Whether something was said, so that nobody looks again.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    pub(super) fn new(interval: CheckInterval) -> ChangeWatcher {
        ChangeWatcher { interval, state: AtomicU8::new(IDLE), last: std::sync::Mutex::default() }
    }

    /// Whether somebody is to look: nobody does already, and nothing was said yet. Costs a request one comparison.
    pub(super) fn begin(&self) -> bool {
        self.state.compare_exchange(IDLE, LOOKING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Waits until it is time to look.
    pub(super) async fn pause(&self) {
        let last = *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (self.interval, last) {
            (CheckInterval::AtMostEvery(_), None) => {}
            (CheckInterval::AtMostEvery(interval), Some(last)) => tokio::time::sleep_until(last + interval).await,
            (CheckInterval::After(interval), _) => tokio::time::sleep(interval).await,
        }
    }

    /// Ends a look. Nobody looks again where something was said.
    pub(super) fn end(&self, is_reported: bool) {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        self.state.store(if is_reported { DONE } else { IDLE }, Ordering::Release);
    }
}

#[cfg(test)]
#[path = "change_watch_test.rs"]
mod tests;

//! Checking whether the artifact of a loaded model was replaced or deleted.
//!
//! On AWS a loaded model keeps answering whatever happens to its artifact. So it does here ([`ModelRefresh::Never`]),
//! but a background check logs the change once. With [`ModelRefresh::Changed`] each request checks the artifact before
//! it is answered, for the loop of train, replace and invoke.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::{Location, StorageError, Version};
use byoc_formats::error::chain;

/// How long a request waits for a check of its artifact.
const CHECK_LIMIT: Duration = Duration::from_secs(3);
/// The pause after a failed check.
const CHECK_BACKOFF: Duration = Duration::from_secs(20);

/// How the endpoint reacts if an artifact is replaced or deleted while its model is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelRefresh {
    /// The loaded model keeps answering, as on AWS; the change is logged once.
    #[default]
    Never,
    /// The next request loads the new artifact.
    Changed,
}

/// The state of an artifact, compared with the loaded version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArtifactState {
    Unchanged,
    Changed,
    Deleted,
    /// It could not be checked, with the reason.
    Unknown(String),
}

impl ArtifactState {
    /// Compares the loaded version with the current one.
    pub(super) fn of(loaded: &Version, now: Result<Version, StorageError>) -> ArtifactState {
        match now {
            Ok(version) if version == *loaded => ArtifactState::Unchanged,
            Ok(_) => ArtifactState::Changed,
            Err(StorageError::NotFound | StorageError::NoSuchBucket | StorageError::InvalidKey(_)) => {
                ArtifactState::Deleted
            }
            Err(failure) => ArtifactState::Unknown(chain(&failure).to_string()),
        }
    }

    /// Checks an artifact with a timeout of [`CHECK_LIMIT`], since a request waits for it.
    pub(super) async fn checked(
        loaded: &Version,
        look: impl Future<Output = Result<Version, StorageError>>,
    ) -> ArtifactState {
        match tokio::time::timeout(CHECK_LIMIT, look).await {
            Ok(now) => ArtifactState::of(loaded, now),
            Err(_) => check_timed_out(),
        }
    }

    /// Checks an artifact that did not exist at the last check.
    pub(super) async fn checked_where_nothing_was(
        look: impl Future<Output = Result<Version, StorageError>>,
    ) -> ArtifactState {
        match tokio::time::timeout(CHECK_LIMIT, look).await {
            Ok(Ok(_)) => ArtifactState::Changed,
            Ok(Err(StorageError::NotFound | StorageError::NoSuchBucket)) => ArtifactState::Unchanged,
            Ok(Err(failure)) => ArtifactState::Unknown(chain(&failure).to_string()),
            Err(_) => check_timed_out(),
        }
    }

    /// The change for the log, if there is one.
    pub(super) fn change(&self) -> Option<&'static str> {
        match self {
            ArtifactState::Changed => Some("has changed since it was loaded"),
            ArtifactState::Deleted => Some("was deleted since it was loaded"),
            ArtifactState::Unchanged | ArtifactState::Unknown(_) => None,
        }
    }
}

fn check_timed_out() -> ArtifactState {
    ArtifactState::Unknown(format!("no answer within {} s", CHECK_LIMIT.as_secs()))
}

/// The log message for an artifact that could not be checked.
pub(super) fn check_failed(place: &str, problem: &str) -> String {
    format!(
        "{place} could not be looked at: {problem}; requests are answered by the model as it was loaded, and the next \
         look is in {} s",
        CHECK_BACKOFF.as_secs()
    )
}

/// The pause after a failed check.
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

/// How often an artifact in use is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckInterval {
    /// Immediately, but at most once per interval: checking a file is cheap.
    AtMostEvery(Duration),
    /// After a delay: this limits requests to S3, and avoids them for a model that is used once.
    After(Duration),
}

impl CheckInterval {
    /// For local folders.
    pub(super) const FILES: CheckInterval = CheckInterval::AtMostEvery(Duration::from_secs(1));
    /// For S3.
    pub(super) const OBJECTS: CheckInterval = CheckInterval::After(Duration::from_secs(20));

    /// The check interval for a location.
    pub(super) fn of(location: &Location) -> CheckInterval {
        match location {
            Location::Local(_) => CheckInterval::FILES,
            Location::S3 { .. } => CheckInterval::OBJECTS,
        }
    }
}

/// Schedules checks, at most one at a time, until a change was reported.
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
    /// Whether no check is in progress and nothing was reported yet.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Acquire) == IDLE
    }

    /// Whether a change was reported, which ends the checks.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    pub(super) fn new(interval: CheckInterval) -> ChangeWatcher {
        ChangeWatcher { interval, state: AtomicU8::new(IDLE), last: std::sync::Mutex::default() }
    }

    /// Begins a check, unless one is in progress or a change was reported. Costs a request one comparison.
    pub(super) fn begin(&self) -> bool {
        self.state.compare_exchange(IDLE, LOOKING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Waits until the check is due.
    pub(super) async fn pause(&self) {
        let last = *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (self.interval, last) {
            (CheckInterval::AtMostEvery(_), None) => {}
            (CheckInterval::AtMostEvery(interval), Some(last)) => tokio::time::sleep_until(last + interval).await,
            (CheckInterval::After(interval), _) => tokio::time::sleep(interval).await,
        }
    }

    /// Ends a check. There are no further checks if a change was reported.
    pub(super) fn end(&self, is_reported: bool) {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        self.state.store(if is_reported { DONE } else { IDLE }, Ordering::Release);
    }
}

#[cfg(test)]
#[path = "change_watch_test.rs"]
mod tests;

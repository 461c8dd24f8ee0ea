//! The state of a container: running, exited or failed.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The state of a container, shared by its supervisor and its callers.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<RwLock<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Running,
    /// It has exited: a description, and its exit code if it has one. It may be restarted.
    Exited(String, Option<i32>),
    /// It has failed permanently, with the FailureReason.
    Failed(String),
}

impl Health {
    /// Records how the container has exited.
    pub fn mark_exited(&self, how: impl Into<String>) {
        self.mark_exited_with(how, None);
    }

    /// Records how the container has exited, and its exit code.
    pub fn mark_exited_with(&self, how: impl Into<String>, exit_code: Option<i32>) {
        let mut state = self.write();
        // Keep the first description: later ones describe its consequences.
        if matches!(*state, State::Running) {
            *state = State::Exited(how.into(), exit_code);
        }
    }

    /// The exit code of a container that has exited and is not running.
    pub fn exit_code(&self) -> Option<i32> {
        match &*self.read() {
            State::Exited(_, exit_code) => *exit_code,
            _ => None,
        }
    }

    /// Records that the container is running again.
    pub fn mark_running(&self) {
        *self.write() = State::Running;
    }

    /// Records that the container has failed permanently.
    pub fn mark_failed(&self, reason: impl Into<String>) {
        *self.write() = State::Failed(reason.into());
    }

    /// How the container exited, if it is not running.
    pub fn exit_description(&self) -> Option<String> {
        match &*self.read() {
            State::Exited(how, _) => Some(how.clone()),
            _ => None,
        }
    }

    /// FailureReason, if the container has failed permanently.
    pub fn failure_reason(&self) -> Option<String> {
        match &*self.read() {
            State::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A poisoned lock is safe to use: a state is written in one step.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

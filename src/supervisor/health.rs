//! Whether a container runs.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Whether a container runs. Shared by whoever watches it and whoever calls it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<RwLock<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Running,
    /// It has ended, and how, and with which exit code if it exited; it may be started again.
    Exited(String, Option<i32>),
    /// It is given up, with the FailureReason.
    Failed(String),
}

impl Health {
    /// Notes that the container has ended, and how.
    pub fn mark_exited(&self, how: impl Into<String>) {
        self.mark_exited_with(how, None);
    }

    /// Notes that the container has ended, how, and with which exit code.
    pub fn mark_exited_with(&self, how: impl Into<String>, exit_code: Option<i32>) {
        let mut state = self.write();
        // The first word is the true one: what comes later only follows from it.
        if matches!(*state, State::Running) {
            *state = State::Exited(how.into(), exit_code);
        }
    }

    /// The exit code of a container that has exited and does not run now.
    pub fn exit_code(&self) -> Option<i32> {
        match &*self.read() {
            State::Exited(_, exit_code) => *exit_code,
            _ => None,
        }
    }

    /// Notes that the container runs again.
    pub fn mark_running(&self) {
        *self.write() = State::Running;
    }

    /// Notes for good that the container is given up.
    pub fn mark_failed(&self, reason: impl Into<String>) {
        *self.write() = State::Failed(reason.into());
    }

    /// How the container ended, if it does not run now.
    pub fn exit_description(&self) -> Option<String> {
        match &*self.read() {
            State::Exited(how, _) => Some(how.clone()),
            _ => None,
        }
    }

    /// FailureReason, if the container is given up.
    pub fn failure_reason(&self) -> Option<String> {
        match &*self.read() {
            State::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A state is written in one step.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

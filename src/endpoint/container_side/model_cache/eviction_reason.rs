//! Why a model is unloaded or its artifact deleted.

use crate::endpoint::container_side::change_watch::ArtifactState;

/// The reason for an eviction.
#[derive(Clone, Debug)]
pub(super) enum EvictionReason {
    /// The container has no memory to load another model.
    Memory { needed_for: String },
    /// The container ran out of memory during an invocation.
    Invocation { needed_for: String },
    /// Unpacked artifacts exceed the disk budget.
    Disk,
    /// ModelCacheSetting is Disabled.
    CacheDisabled,
    /// The artifact was replaced.
    Changed,
    /// The artifact was deleted.
    Deleted,
}

impl EvictionReason {
    /// The reason to unload a model whose artifact is in this state, if any.
    pub(super) fn for_state(state: &ArtifactState) -> Option<EvictionReason> {
        match state {
            ArtifactState::Changed => Some(EvictionReason::Changed),
            ArtifactState::Deleted => Some(EvictionReason::Deleted),
            ArtifactState::Unchanged | ArtifactState::Unknown(_) => None,
        }
    }

    /// The metric's label.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            EvictionReason::Memory { .. } | EvictionReason::Invocation { .. } => "memory",
            EvictionReason::Disk => "disk",
            EvictionReason::CacheDisabled => "cache_disabled",
            EvictionReason::Changed | EvictionReason::Deleted => "refresh",
        }
    }
}

impl std::fmt::Display for EvictionReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EvictionReason::Memory { needed_for } => write!(f, "memory is needed to load {needed_for}"),
            EvictionReason::Invocation { needed_for } => write!(f, "memory is needed to invoke {needed_for}"),
            EvictionReason::Disk => f.write_str("artifacts take more than --model-disk"),
            EvictionReason::CacheDisabled => f.write_str("ModelCacheSetting is Disabled"),
            EvictionReason::Changed => f.write_str("its artifact has changed since it was loaded"),
            EvictionReason::Deleted => f.write_str("its artifact was deleted since it was loaded"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_stays_loaded_if_its_artifact_cannot_be_checked() {
        assert!(EvictionReason::for_state(&ArtifactState::Unknown(String::new())).is_none());
        assert!(EvictionReason::for_state(&ArtifactState::Unchanged).is_none());
    }
}

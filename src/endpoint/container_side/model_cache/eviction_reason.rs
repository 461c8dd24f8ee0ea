//! Why a model is unloaded or its artifact deleted.

use crate::endpoint::container_side::change_watch::ArtifactState;

/// Why a model or an artifact has to go.
#[derive(Clone, Debug)]
pub(super) enum EvictionReason {
    /// The container has no memory to load another.
    Memory { needed_for: String },
    /// The container ran out of memory when it was to answer.
    Invocation { needed_for: String },
    /// Unpacked artifacts take more of the disk than they may.
    Disk,
    /// ModelCacheSetting is Disabled.
    CacheDisabled,
    /// Another artifact lies in its place.
    Changed,
    /// None does any more.
    Deleted,
}

impl EvictionReason {
    /// Why a model leaves whose artifact is in this state, if it has to.
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
    fn a_model_whose_artifact_could_not_be_checked_stays() {
        assert!(EvictionReason::for_state(&ArtifactState::Unknown(String::new())).is_none());
        assert!(EvictionReason::for_state(&ArtifactState::Unchanged).is_none());
    }
}

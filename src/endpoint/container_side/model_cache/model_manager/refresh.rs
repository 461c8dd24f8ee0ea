//! Checks whether the artifact of a loaded model has changed.

use std::sync::Arc;

use super::ModelManager;
use crate::endpoint::container_side::change_watch::ArtifactState;
use crate::endpoint::container_side::model_cache::inventory::Slot;
use crate::endpoint::container_side::target_model::TargetModel;

impl ModelManager {
    /// The state of a loaded model's artifact.
    pub(in super::super) async fn state(&self, target_model: &TargetModel) -> ArtifactState {
        let loaded = self.inventory().artifact(target_model).map(|artifact| artifact.version.clone());
        match loaded {
            Some(loaded) => ArtifactState::checked(&loaded, self.store.version(target_model)).await,
            // It is fetched again before it is loaded again.
            None => ArtifactState::Unchanged,
        }
    }

    /// Schedules a check of the artifact of a model in use, unless one is scheduled or a change was reported.
    pub(in super::super) fn check_later(self: &Arc<Self>, target_model: &TargetModel, slot: &Arc<Slot>) {
        if !slot.watcher.begin() {
            return;
        }
        let (manager, target_model, slot) = (Arc::clone(self), target_model.clone(), Arc::clone(slot));
        tokio::spawn(async move {
            slot.watcher.pause().await;
            let state = {
                // One check at a time, for all models.
                let _turn = manager.checking.lock().await;
                manager.state(&target_model).await
            };
            if let Some(said) = state.change() {
                let (container, place) = (manager.container(), manager.store.display_location(&target_model));
                log::warn!(
                    "{container}: {place} {said}; the loaded model keeps answering (--model-refresh changed loads the \
                     new artifact)"
                );
            }
            slot.watcher.end(state.change().is_some());
        });
    }
}

//! Whether a loaded model is still the one that lies at its place.

use std::sync::Arc;

use super::ModelManager;
use crate::endpoint::container_side::change_watch::ArtifactState;
use crate::endpoint::container_side::model_cache::inventory::Slot;
use crate::endpoint::container_side::target_model::TargetModel;

impl ModelManager {
    /// How the artifact of a loaded model stands to what was loaded.
    pub(in super::super) async fn state(&self, target_model: &TargetModel) -> ArtifactState {
        let loaded = self.inventory().artifact(target_model).map(|artifact| artifact.version.clone());
        match loaded {
            Some(loaded) => ArtifactState::checked(&loaded, self.store.version(target_model)).await,
            // It is fetched anew before it is loaded again.
            None => ArtifactState::Unchanged,
        }
    }

    /// Has somebody look, soon and once, whether a model that is in use is still the one that lies there.
    pub(in super::super) fn check_later(self: &Arc<Self>, target_model: &TargetModel, slot: &Arc<Slot>) {
        if !slot.watcher.begin() {
            return;
        }
        let (manager, target_model, slot) = (Arc::clone(self), target_model.clone(), Arc::clone(slot));
        tokio::spawn(async move {
            slot.watcher.pause().await;
            let state = {
                // One look at a time, however many models there are.
                let _turn = manager.checking.lock().await;
                manager.state(&target_model).await
            };
            if let Some(said) = state.change() {
                let (container, place) = (manager.container(), manager.store.display_location(&target_model));
                log::warn!(
                    "{container}: {place} {said}; the model goes on answering as it was loaded (--model-refresh changed \
                     takes what lies there)"
                );
            }
            slot.watcher.end(state.change().is_some());
        });
    }
}

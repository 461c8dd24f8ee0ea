//! Evicts models from the container's memory, and their artifacts from disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::Client;
use tokio::sync::watch;

use super::{ModelManager, delete, record_disk_gauges};
use crate::endpoint::container_side::model_cache::eviction_reason::EvictionReason;
use crate::endpoint::container_side::model_cache::inventory::{Artifact, EvictionCandidates, Inventory, Slot};
use crate::endpoint::container_side::model_store::model_id;
use crate::endpoint::container_side::target_model::TargetModel;
use crate::platform::fetch::disk::DiskBudget;
use byoc_formats::error::chain;

impl ModelManager {
    /// Unloads the least recently used idle model. Returns whether there was one.
    pub(in super::super) async fn unload_idle(self: &Arc<Self>, client: &Client, why: &EvictionReason) -> bool {
        match self.begin_unload_next(EvictionCandidates::Idle) {
            Some(unloading) => {
                self.unload(client, unloading, why).await;
                true
            }
            None => false,
        }
    }

    /// Selects the next model to evict: new requests for it wait until it can be loaded again.
    pub(super) fn begin_unload_next(self: &Arc<Self>, pick: EvictionCandidates) -> Option<Unloading> {
        let mut inventory = self.inventory();
        let (target_model, slot) = inventory.eviction_candidate(pick)?;
        self.begin_unload(&mut inventory, &target_model, &slot)
    }

    pub(super) fn begin_unload(
        self: &Arc<Self>,
        inventory: &mut Inventory,
        target_model: &TargetModel,
        slot: &Arc<Slot>,
    ) -> Option<Unloading> {
        let gone = inventory.begin_unload(target_model, slot)?;
        metrics::gauge!("byoc_endpoint_loaded_models").decrement(1);
        let (manager, target_model, slot) = (Arc::clone(self), target_model.clone(), Arc::clone(slot));
        Some(Unloading { manager, target_model, slot, _gone: gone })
    }

    /// Unloads a model whose artifact was replaced, in a separate task: its current requests finish, and new
    /// ones wait until it can be loaded again.
    pub(in super::super) fn unload_replaced(
        self: &Arc<Self>,
        client: &Client,
        target_model: &TargetModel,
        slot: &Arc<Slot>,
        why: EvictionReason,
    ) {
        let unloading = {
            let mut inventory = self.inventory();
            self.begin_unload(&mut inventory, target_model, slot)
        };
        // `None` if another request was first.
        let Some(unloading) = unloading else { return };
        let (manager, client) = (Arc::clone(self), client.clone());
        tokio::spawn(async move { manager.unload(&client, unloading, &why).await });
    }

    /// Unloads a model once its requests have ended. Its artifact stays on disk.
    pub(super) async fn unload(&self, client: &Client, unloading: Unloading, why: &EvictionReason) {
        let Unloading { target_model, slot, .. } = &unloading;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if slot.is_idle() {
                break;
            }
            changed.await;
        }
        let id = model_id(&self.store.url(target_model));
        let unloaded = self.management.unload(client, &id).await;
        metrics::counter!("byoc_endpoint_model_evictions_total", "reason" => why.reason()).increment(1);
        let bytes = self.inventory().artifact(target_model).map_or(0, |artifact| artifact.bytes);
        let (age, hits) = (slot.since.elapsed().as_secs_f64(), slot.hits.load(Ordering::Relaxed));
        let (container, target_model) = (self.container(), target_model.as_str());
        log::info!("{container}: unloaded {target_model}: {why}; {bytes} bytes, loaded {age:.1} s ago, {hits} hits");
        if let Err(failure) = unloaded {
            log::warn!("{container}: {target_model} may still be loaded: {}", chain(&failure));
        }
    }

    /// Deletes artifacts, the least recently used first, until the rest fit the disk budget. If all belong to
    /// loaded models, idle models are unloaded.
    pub(super) async fn enforce_disk_budget(self: &Arc<Self>, client: &Client) {
        let Some(budget) = self.disk.as_ref().map(DiskBudget::limit) else { return };
        loop {
            let unused = {
                let inventory = self.inventory();
                if inventory.on_disk().1 <= budget {
                    return;
                }
                inventory.least_recent_unused_artifact()
            };
            match unused {
                Some(target_model) => self.evict_artifact(&target_model, &EvictionReason::Disk).await,
                None if self.unload_idle(client, &EvictionReason::Disk).await => {}
                // All are in use or being loaded; the next load tries again.
                None => return,
            }
        }
    }

    /// Deletes an unused artifact and logs it.
    pub(super) async fn evict_artifact(&self, target_model: &TargetModel, why: &EvictionReason) {
        if let Some(Artifact { bytes, hits, since, .. }) = self.delete_unused_artifact(target_model).await {
            metrics::counter!("byoc_endpoint_artifact_evictions_total", "reason" => why.reason()).increment(1);
            let age = since.elapsed().as_secs_f64();
            let (container, target_model) = (self.container(), target_model.as_str());
            log::info!(
                "{container}: deleted {target_model} from disk: {why}; {bytes} bytes, unpacked {age:.1} s ago, {hits} \
                 hits"
            );
        }
    }

    /// Deletes the unpacked artifact of a model, if there is one. The caller holds the model's slot.
    pub(super) async fn delete_artifact(&self, target_model: &TargetModel, id: &str) {
        let aside = {
            let mut inventory = self.inventory();
            if inventory.remove_artifact(target_model).is_none() {
                return;
            }
            record_disk_gauges(&inventory);
            self.folder.move_to_scratch(id)
        };
        delete(aside).await;
    }

    pub(super) async fn delete_unused_artifact(&self, target_model: &TargetModel) -> Option<Artifact> {
        let id = model_id(&self.store.url(target_model));
        let (artifact, aside) = {
            let mut inventory = self.inventory();
            if !inventory.is_unused(target_model) {
                return None;
            }
            let artifact = inventory.remove_artifact(target_model)?;
            record_disk_gauges(&inventory);
            // Under the lock, so that a new request unpacks into a free folder.
            (artifact, self.folder.move_to_scratch(&id))
        };
        delete(aside).await;
        Some(artifact)
    }
}

/// A model that is being unloaded; requests for it wait until this is dropped.
pub(super) struct Unloading {
    manager: Arc<ModelManager>,
    target_model: TargetModel,
    slot: Arc<Slot>,
    _gone: watch::Sender<()>,
}

impl Drop for Unloading {
    fn drop(&mut self) {
        self.manager.inventory().finish_unload(&self.target_model);
    }
}

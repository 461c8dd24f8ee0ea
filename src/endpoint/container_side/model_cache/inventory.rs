//! The loaded models of a multi-model container and the unpacked artifacts on disk, each in the order of last use.
//!
//! Plain data behind one lock: nothing here waits, calls a container or touches a file.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lru::LruCache;
use reqwest::Url;
use tokio::sync::watch;

use super::super::change_watch::{ChangeWatcher, CheckBackoff, CheckInterval};
use super::super::error::InvocationError;
use super::super::target_model::TargetModel;
use crate::storage::Version;

/// `None` while the model is loading, then the URL to invoke it at, or why it could not be loaded.
pub(super) type Loading = Option<Result<Url, InvocationError>>;

/// A model that is loaded or being loaded.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) loading: watch::Receiver<Loading>,
    /// Requests that wait for the model or are being answered by it. Grows only under the inventory's lock, so that a
    /// model that is selected for unloading gets no new ones.
    pub(super) leases: AtomicUsize,
    /// Requests that found the slot.
    pub(super) hits: AtomicU64,
    pub(super) since: Instant,
    /// When the artifact was last checked while the model was loaded.
    pub(super) checked_at: Mutex<Option<Instant>>,
    /// An incomplete archive in the artifact's place.
    pub(super) partial: tokio::sync::Mutex<Option<PartialArtifact>>,
    /// The pause after a failed check.
    pub(super) backoff: CheckBackoff,
    pub(super) watcher: ChangeWatcher,
}

/// The version of an incomplete archive in an artifact's place, and when the check of it began.
#[derive(Debug)]
pub(super) struct PartialArtifact {
    pub(super) version: Version,
    pub(super) begun: Instant,
}

impl Slot {
    /// A slot whose model is about to be loaded.
    pub(super) fn new(loading: watch::Receiver<Loading>, interval: CheckInterval) -> Slot {
        Slot {
            loading,
            leases: AtomicUsize::new(0),
            hits: AtomicU64::new(0),
            since: Instant::now(),
            checked_at: Mutex::new(None),
            partial: tokio::sync::Mutex::default(),
            backoff: CheckBackoff::default(),
            watcher: ChangeWatcher::new(interval),
        }
    }

    /// Records that the artifact is being checked now.
    pub(super) fn mark_checked(&self) {
        *self.checked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the artifact was checked since `then`.
    pub(super) fn was_checked_since(&self, then: Instant) -> bool {
        self.checked_at.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|looked| looked >= then)
    }

    fn is_loaded(&self) -> bool {
        matches!(&*self.loading.borrow(), Some(Ok(_)))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.leases.load(Ordering::Acquire) == 0
    }
}

/// An unpacked artifact.
#[derive(Clone, Debug)]
pub(super) struct Artifact {
    pub(super) bytes: u64,
    /// The version of its archive.
    pub(super) version: Version,
    /// Requests that found the model loaded, summed over all its loads.
    pub(super) hits: u64,
    pub(super) since: Instant,
}

/// Which models may be selected for unloading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EvictionCandidates {
    /// Only models that no request uses.
    Idle,
    /// Preferably idle models; otherwise one that is unloaded once its requests have ended.
    IdleOrBusy,
}

/// The models of one container.
#[derive(Debug)]
pub(super) struct Inventory {
    slots: LruCache<TargetModel, Arc<Slot>>,
    /// Models that are being unloaded.
    unloading: HashMap<TargetModel, watch::Receiver<()>>,
    unpacked: LruCache<TargetModel, Artifact>,
    unpacked_bytes: u64,
}

impl Default for Inventory {
    fn default() -> Inventory {
        Inventory {
            slots: LruCache::unbounded(),
            unloading: HashMap::new(),
            unpacked: LruCache::unbounded(),
            unpacked_bytes: 0,
        }
    }
}

impl Inventory {
    /// The slot of a model; marks it as the most recently used one.
    pub(super) fn use_slot(&mut self, target_model: &TargetModel) -> Option<Arc<Slot>> {
        self.unpacked.promote(target_model);
        self.slots.get(target_model).cloned()
    }

    pub(super) fn add_slot(&mut self, target_model: TargetModel, slot: Arc<Slot>) {
        self.slots.push(target_model, slot);
    }

    /// Removes a model's slot, if it is still this one.
    pub(super) fn remove_slot(&mut self, target_model: &TargetModel, slot: &Arc<Slot>) -> bool {
        let is_this = self.slots.peek(target_model).is_some_and(|known| Arc::ptr_eq(known, slot));
        if is_this {
            self.slots.pop(target_model);
        }
        is_this
    }

    /// Forgets all loaded models and returns their number; models that are being loaded stay.
    pub(super) fn forget_loaded(&mut self) -> usize {
        let loaded: Vec<TargetModel> =
            self.slots.iter().filter(|(_, slot)| slot.is_loaded()).map(|(name, _)| name.clone()).collect();
        for target_model in &loaded {
            self.slots.pop(target_model);
        }
        loaded.len()
    }

    /// The least recently used loaded model of those that may be selected.
    pub(super) fn eviction_candidate(&self, pick: EvictionCandidates) -> Option<(TargetModel, Arc<Slot>)> {
        let mut loaded = self.slots.iter().rev().filter(|(_, slot)| slot.is_loaded());
        let mut least_recent = loaded.clone();
        let found = match pick {
            EvictionCandidates::Idle => loaded.find(|(_, slot)| slot.is_idle()),
            EvictionCandidates::IdleOrBusy => loaded.find(|(_, slot)| slot.is_idle()).or_else(|| least_recent.next()),
        };
        found.map(|(target_model, slot)| (target_model.clone(), Arc::clone(slot)))
    }

    /// Removes a loaded model in order to unload it. Requests for it wait until the sender is dropped and
    /// [`Inventory::finish_unload`] is called. `None` if the slot was removed already.
    pub(super) fn begin_unload(&mut self, target_model: &TargetModel, slot: &Arc<Slot>) -> Option<watch::Sender<()>> {
        if !self.remove_slot(target_model, slot) {
            return None;
        }
        let (gone, waiting) = watch::channel(());
        self.unloading.insert(target_model.clone(), waiting);
        if let Some(artifact) = self.unpacked.peek_mut(target_model) {
            artifact.hits += slot.hits.load(Ordering::Relaxed);
        }
        Some(gone)
    }

    /// The channel to wait for before a model can be loaded again: it closes when the model is unloaded.
    pub(super) fn unloading(&self, target_model: &TargetModel) -> Option<watch::Receiver<()>> {
        self.unloading.get(target_model).cloned()
    }

    pub(super) fn finish_unload(&mut self, target_model: &TargetModel) {
        self.unloading.remove(target_model);
    }

    /// The unpacked artifact of a model.
    pub(super) fn artifact(&self, target_model: &TargetModel) -> Option<&Artifact> {
        self.unpacked.peek(target_model)
    }

    pub(super) fn add_artifact(&mut self, target_model: TargetModel, artifact: Artifact) {
        self.unpacked_bytes += artifact.bytes;
        if let Some((_, before)) = self.unpacked.push(target_model, artifact) {
            self.unpacked_bytes -= before.bytes;
        }
    }

    pub(super) fn remove_artifact(&mut self, target_model: &TargetModel) -> Option<Artifact> {
        let artifact = self.unpacked.pop(target_model)?;
        self.unpacked_bytes -= artifact.bytes;
        Some(artifact)
    }

    /// Whether the files of a model are unused: it is not loaded, being loaded or being unloaded.
    pub(super) fn is_unused(&self, target_model: &TargetModel) -> bool {
        !self.slots.contains(target_model) && !self.unloading.contains_key(target_model)
    }

    /// The least recently used artifact that is unused.
    pub(super) fn least_recent_unused_artifact(&self) -> Option<TargetModel> {
        self.unpacked.iter().rev().map(|(target_model, _)| target_model).find(|name| self.is_unused(name)).cloned()
    }

    /// The number of unpacked artifacts and their total size in bytes.
    pub(super) fn on_disk(&self) -> (usize, u64) {
        (self.unpacked.len(), self.unpacked_bytes)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.unloading.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Entry;

    fn name(text: &str) -> TargetModel {
        TargetModel::parse(text).unwrap()
    }

    fn slot(loading: Loading, leases: usize) -> Arc<Slot> {
        let (_, loading) = watch::channel(loading);
        Arc::new(Slot { leases: leases.into(), hits: 3.into(), ..Slot::new(loading, CheckInterval::FILES) })
    }

    fn loaded(leases: usize) -> Arc<Slot> {
        slot(Some(Ok(Url::parse("http://127.0.0.1:1/").unwrap())), leases)
    }

    #[test]
    fn the_least_recently_used_idle_model_is_selected_and_a_busy_one_only_if_no_model_is_idle() {
        let mut inventory = Inventory::default();
        for (model, slot) in [("busy", loaded(1)), ("old", loaded(0)), ("new", loaded(0)), ("coming", slot(None, 0))] {
            inventory.add_slot(name(model), slot);
        }
        let mut order = Vec::new();
        assert!(inventory.use_slot(&name("old")).is_some());
        while let Some((model, slot)) = inventory.eviction_candidate(EvictionCandidates::IdleOrBusy) {
            inventory.remove_slot(&model, &slot);
            order.push(model);
        }
        assert_eq!(order, [name("new"), name("old"), name("busy")], "what is being loaded is never picked");

        inventory.add_slot(name("busy"), loaded(2));
        assert!(inventory.eviction_candidate(EvictionCandidates::Idle).is_none());
        assert_eq!(inventory.forget_loaded(), 1);
        assert!(inventory.use_slot(&name("coming")).is_some());
    }

    #[test]
    fn an_artifact_is_unused_once_its_model_is_unloaded() {
        let mut inventory = Inventory::default();
        for (model, bytes) in [("a", 10), ("b", 20)] {
            let version = Version::of_object(&Entry { key: model.into(), bytes, version: "1".into() });
            inventory.add_artifact(name(model), Artifact { bytes, version, hits: 0, since: Instant::now() });
        }
        assert_eq!(inventory.on_disk(), (2, 30));
        let slot = loaded(0);
        inventory.add_slot(name("a"), Arc::clone(&slot));
        assert_eq!(inventory.least_recent_unused_artifact(), Some(name("b")));
        let gone = inventory.begin_unload(&name("a"), &slot).unwrap();
        assert!(inventory.begin_unload(&name("a"), &slot).is_none(), "a model leaves once");
        assert!(!inventory.is_unused(&name("a")));
        drop(gone);
        inventory.finish_unload(&name("a"));
        inventory.use_slot(&name("b"));
        assert_eq!(inventory.least_recent_unused_artifact(), Some(name("a")));
        assert_eq!(inventory.remove_artifact(&name("a")).unwrap().hits, 3);
        assert_eq!(inventory.on_disk(), (1, 20));
    }
}

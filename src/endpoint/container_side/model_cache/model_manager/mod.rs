//! Manages the models of a container: loads them, evicts them in `eviction`, and checks for replaced
//! artifacts in `refresh`.

mod eviction;
mod refresh;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use eviction::Unloading;

use super::CacheSettings;
use super::eviction_reason::EvictionReason;
use super::inventory::{Artifact, EvictionCandidates, Inventory, Loading, PartialArtifact, Slot};
use super::management_api::ManagementApi;
use crate::endpoint::container_side::change_watch::ModelRefresh;
use crate::endpoint::container_side::error::{ContainerError, InvocationError};
use crate::endpoint::container_side::model_store::{ModelFolder, ModelStore, model_id};
use crate::endpoint::container_side::partial_artifact::{incomplete_artifact, may_become_archive};
use crate::endpoint::container_side::target_model::TargetModel;
use crate::error::{Cause, Error, Reason};
use crate::platform::create_model::ModelCacheSetting;
use crate::platform::fetch::disk::DiskBudget;
use crate::platform::fetch::{self, FetchError, Fetched};
use crate::storage::Version;
use byoc_formats::error::chain;

/// The time limit of a load from the request on, including the download and the wait for memory
/// (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).
const LOADING_LIMIT: Duration = Duration::from_secs(360);
/// The longest pause between two writes of a file that is still being written.
const BETWEEN_WRITES: Duration = Duration::from_millis(250);
/// The status of a container that has no memory for a model.
const INSUFFICIENT_STORAGE: u16 = 507;

/// Manages the models of one container.
#[derive(Debug)]
pub(super) struct ModelManager {
    management: ManagementApi,
    pub(super) store: ModelStore,
    folder: ModelFolder,
    disk: Option<DiskBudget>,
    setting: ModelCacheSetting,
    refresh: ModelRefresh,
    /// Held during a check for changed artifacts.
    pub(super) checking: tokio::sync::Mutex<()>,
    inventory: Mutex<Inventory>,
    /// Notified when a model becomes idle or a load ends.
    changed: Notify,
    /// Held during an eviction from the container's memory: two at a time would unload more than needed.
    freeing_memory: tokio::sync::Mutex<()>,
    /// The number of loads in progress.
    loads_in_progress: AtomicUsize,
}

impl ModelManager {
    pub(super) fn new(
        name_in_errors: &str,
        origin: Url,
        store: ModelStore,
        folder: ModelFolder,
        settings: &CacheSettings,
    ) -> ModelManager {
        ModelManager {
            management: ManagementApi { name_in_errors: name_in_errors.to_owned(), origin },
            store,
            folder,
            disk: settings.disk.map(DiskBudget::new),
            setting: settings.setting,
            refresh: settings.refresh,
            checking: tokio::sync::Mutex::default(),
            inventory: Mutex::default(),
            changed: Notify::new(),
            freeing_memory: tokio::sync::Mutex::default(),
            loads_in_progress: AtomicUsize::new(0),
        }
    }

    pub(super) fn inventory(&self) -> MutexGuard<'_, Inventory> {
        // No code that holds the lock can panic in the middle of a change.
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn container(&self) -> &str {
        &self.management.name_in_errors
    }

    /// Called when the last request has released a model.
    pub(super) fn model_idle(self: &Arc<Self>, client: &Client, target_model: &TargetModel, slot: &Arc<Slot>) {
        self.changed.notify_waiters();
        if self.setting == ModelCacheSetting::Enabled {
            return;
        }
        // There is always a runtime, except at shutdown, when the container stops too.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (manager, client) = (Arc::clone(self), client.clone());
        let (target_model, slot) = (target_model.clone(), Arc::clone(slot));
        runtime.spawn(async move {
            let unloading = manager.begin_unload_if_idle(&target_model, &slot);
            if let Some(unloading) = unloading {
                manager.unload(&client, unloading, &EvictionReason::CacheDisabled).await;
                manager.evict_artifact(&target_model, &EvictionReason::CacheDisabled).await;
            }
        });
    }

    fn begin_unload_if_idle(self: &Arc<Self>, target_model: &TargetModel, slot: &Arc<Slot>) -> Option<Unloading> {
        let mut inventory = self.inventory();
        let loaded = matches!(&*slot.loading.borrow(), Some(Ok(_)));
        if !(loaded && slot.is_idle()) {
            return None;
        }
        self.begin_unload(&mut inventory, target_model, slot)
    }

    /// Loads a model and stores the result in its slot.
    pub(super) async fn load_into_slot(
        self: &Arc<Self>,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        slot: &Arc<Slot>,
        outcome: watch::Sender<Loading>,
    ) {
        let loaded = tokio::time::timeout(LOADING_LIMIT, self.load(client, target_model, request_id, slot)).await;
        let loaded = loaded.unwrap_or_else(|_| {
            let container = self.container().to_owned();
            Err(InvocationError::Container { container, what: ContainerError::TimedOut })
        });
        let failed = loaded.is_err();
        if failed {
            self.inventory().remove_slot(target_model, slot);
        } else {
            metrics::gauge!("byoc_endpoint_loaded_models").increment(1);
        }
        // It may be broken; delete it so that a repaired artifact is fetched.
        if loaded.as_ref().is_err_and(|failure| !is_out_of_memory(failure)) {
            self.delete_unused_artifact(target_model).await;
        }
        outcome.send_replace(Some(loaded));
        self.changed.notify_waiters();
        if !failed && slot.is_idle() {
            // All requests that waited for it have timed out.
            self.model_idle(client, target_model, slot);
        }
    }

    async fn load(
        self: &Arc<Self>,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        slot: &Slot,
    ) -> Result<Url, InvocationError> {
        loop {
            let Some(mut unloading) = self.inventory().unloading(target_model) else { break };
            // Never changes; it closes.
            let _ = unloading.changed().await;
        }
        let id = model_id(&self.store.url(target_model));
        let start = Instant::now();
        slot.mark_checked();
        if self.refresh == ModelRefresh::Changed {
            match EvictionReason::for_state(&self.state(target_model).await) {
                Some(EvictionReason::Changed) if self.is_partial(target_model, slot, start).await => {}
                // The folder is unused: the model is unloaded, and only this task loads it.
                Some(_) => self.delete_artifact(target_model, &id).await,
                None => {}
            }
        }
        let fetched = self.inventory().artifact(target_model).is_none();
        if fetched {
            match self.refresh {
                ModelRefresh::Never => self.fetch(target_model, &self.folder.model_dir(&id)).await?,
                ModelRefresh::Changed => self.fetch_whole(target_model, slot, &id).await?,
            }
            metrics::histogram!("byoc_endpoint_model_unpacking_seconds").record(start.elapsed());
            self.enforce_disk_budget(client).await;
        }
        let unpacked = start.elapsed();
        self.load_evicting_others(client, target_model, request_id, &id).await?;
        let loaded = start.elapsed() - unpacked;
        metrics::histogram!("byoc_endpoint_model_loading_seconds").record(loaded);
        log::info!(
            "{}: loaded {} as {id}: {} in {:.1} ms, loaded in {:.1} ms (request {request_id})",
            self.container(),
            target_model.as_str(),
            if fetched { "unpacked" } else { "found on disk" },
            unpacked.as_secs_f64() * 1e3,
            loaded.as_secs_f64() * 1e3
        );
        Ok(self.management.invoke_url(&id))
    }

    /// Fetches an artifact that may still be being written: if the file changes meanwhile, the result is discarded,
    /// even if the fetch failed or the file was deleted.
    async fn fetch_whole(&self, target_model: &TargetModel, slot: &Slot, id: &str) -> Result<(), InvocationError> {
        let folder = self.folder.model_dir(id);
        if self.store.has_whole_archives_only() {
            return self.fetch(target_model, &folder).await;
        }
        loop {
            slot.mark_checked();
            let before = self.store.version(target_model).await;
            let fetched = self.fetch(target_model, &folder).await;
            if fetched.is_err() && before.is_ok() {
                tokio::time::sleep(BETWEEN_WRITES).await;
            }
            if before == self.store.version(target_model).await {
                return fetched;
            }
            self.delete_artifact(target_model, id).await;
        }
    }

    /// Whether the artifact of a loaded model is an incomplete archive that may still be being written. This is logged
    /// once; the loaded model keeps answering. Requests that arrived before the check began share its result.
    pub(super) async fn is_partial(&self, target_model: &TargetModel, slot: &Slot, arrived: Instant) -> bool {
        // Objects in S3 are never incomplete.
        let Some(archive) = self.store.file(target_model) else { return false };
        let mut known = slot.partial.lock().await;
        let begun = Instant::now();
        let (is_known, is_logged) = known.as_ref().map_or((false, false), |found| {
            let is_same = || Version::of_path(&archive).as_ref() == Ok(&found.version);
            (found.begun >= arrived || may_become_archive(&archive) && is_same(), true)
        });
        if is_known {
            return true;
        }
        *known = None;
        let Ok(version) = Version::of_path(&archive) else { return false };
        if !may_become_archive(&archive) {
            return false;
        }
        let aside = self.folder.scratch_path();
        let into = aside.join("model");
        let unpack = |reservation| fetch::unpack_local(archive.clone(), &into, reservation);
        let unpacked = match &self.disk {
            Some(disk) => disk.fetch(|reservation| unpack(Some(reservation))).await,
            None => unpack(None).await,
        };
        if aside.exists() {
            delete(Ok(aside)).await;
        }
        match unpacked {
            Err(FetchError::BadArtifact(reason)) => {
                if !is_logged {
                    let container = self.container();
                    log::warn!("{container}: {}", incomplete_artifact(&archive, &chain(&reason).to_string()));
                }
                *known = Some(PartialArtifact { version, begun });
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    async fn fetch(&self, target_model: &TargetModel, folder: &Path) -> Result<(), InvocationError> {
        let fetch = |reservation| self.store.fetch(target_model, folder, reservation);
        let fetched = match &self.disk {
            Some(disk) => disk.fetch(|reservation| fetch(Some(reservation))).await,
            None => fetch(None).await,
        };
        let Fetched { bytes, version } = fetched.map_err(|error| {
            let (container, url) = (self.container().to_owned(), self.store.url(target_model));
            match error {
                FetchError::NotFound(_) => InvocationError::NoSuchModel { container, url },
                FetchError::NotFoundWithSuggestion(message) => {
                    log::info!("{container}: {message}");
                    InvocationError::NoSuchModel { container, url }
                }
                FetchError::BadArtifact(reason) => InvocationError::BadArtifact { container, url, reason },
                FetchError::Unavailable(reason) => InvocationError::StoreUnavailable { container, url, reason },
                FetchError::DiskTooSmall { limit } => InvocationError::DiskTooSmall { container, url, limit },
                FetchError::DiskBusy => {
                    let reason = Reason::new(FetchError::DiskBusy);
                    InvocationError::StoreUnavailable { container, url, reason }
                }
                FetchError::Internal(reason) | FetchError::Setting(reason) => {
                    let message = format!("{container}: could not unpack {url}");
                    InvocationError::Internal(Reason::new(Error::new(Cause::Internal, message).caused_by(reason)))
                }
            }
        })?;
        let artifact = Artifact { bytes, version, hits: 0, since: Instant::now() };
        let mut inventory = self.inventory();
        inventory.add_artifact(target_model.clone(), artifact);
        record_disk_gauges(&inventory);
        Ok(())
    }

    /// Loads a model into the container; while there is no memory for it, unloads others, the least recently used
    /// first.
    async fn load_evicting_others(
        self: &Arc<Self>,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        id: &str,
    ) -> Result<(), InvocationError> {
        let mut refused = match self.request_load(client, target_model, request_id, id).await {
            Err(failure) if is_out_of_memory(&failure) => failure,
            outcome => return outcome,
        };
        let mut made_by_another = self.freeing_memory.try_lock().is_err();
        let _turn = self.freeing_memory.lock().await;
        let why = EvictionReason::Memory { needed_for: target_model.as_str().to_owned() };
        loop {
            if !made_by_another {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                match self.begin_unload_next(EvictionCandidates::IdleOrBusy) {
                    Some(unloading) => self.unload(client, unloading, &why).await,
                    // The models that use the memory are still being loaded by other requests.
                    None if self.loads_in_progress.load(Ordering::Acquire) > 0 => changed.await,
                    None => return Err(refused),
                }
            }
            made_by_another = false;
            match self.request_load(client, target_model, request_id, id).await {
                Err(failure) if is_out_of_memory(&failure) => refused = failure,
                outcome => return outcome,
            }
        }
    }

    async fn request_load(
        &self,
        client: &Client,
        target_model: &TargetModel,
        request_id: Uuid,
        id: &str,
    ) -> Result<(), InvocationError> {
        let _counted = LoadInProgress::new(self);
        self.management.load(client, target_model, request_id, id, &self.folder.container_path(id)).await
    }
}

async fn delete(folder: std::io::Result<PathBuf>) {
    let deleted = match folder {
        Ok(folder) => tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await.unwrap_or(Ok(())),
        Err(error) => Err(error),
    };
    if let Err(error) = deleted {
        log::warn!("an unpacked model could not be deleted: {error}");
    }
}

fn record_disk_gauges(inventory: &Inventory) {
    let (artifacts, bytes) = inventory.on_disk();
    metrics::gauge!("byoc_endpoint_unpacked_models").set(artifacts as f64);
    metrics::gauge!("byoc_endpoint_unpacked_bytes").set(bytes as f64);
}

fn is_out_of_memory(failure: &InvocationError) -> bool {
    matches!(failure, InvocationError::Container { what: ContainerError::Status(INSUFFICIENT_STORAGE, _), .. })
}

/// A load in progress.
struct LoadInProgress<'a>(&'a ModelManager);

impl LoadInProgress<'_> {
    fn new(manager: &ModelManager) -> LoadInProgress<'_> {
        manager.loads_in_progress.fetch_add(1, Ordering::AcqRel);
        LoadInProgress(manager)
    }
}

impl Drop for LoadInProgress<'_> {
    fn drop(&mut self) {
        self.0.loads_in_progress.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

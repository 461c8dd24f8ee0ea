//! Loading models, and making room for them: in the container's memory and on disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::CacheSettings;
use super::inventory::{Artifact, EvictionCandidates, Inventory, Loading, PartialArtifact, Slot};
use super::management_api::ManagementApi;
use super::refresh::{ModelRefresh, eviction_reason};
use crate::endpoint::container_side::error::{ContainerError, InvocationError};
use crate::endpoint::container_side::model_store::{ModelFolder, ModelStore, model_id};
use crate::endpoint::container_side::partial_artifact::{incomplete_artifact, may_become_archive};
use crate::endpoint::container_side::target_model::TargetModel;
use crate::platform::create_model::ModelCacheSetting;
use crate::platform::disk::DiskBudget;
use crate::platform::fetch::{self, FetchError, Fetched};
use crate::storage::Version;

/// How long a model may take from the request to be loaded, downloading and waiting for room included
/// (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).
const LOADING_LIMIT: Duration = Duration::from_secs(360);
/// How long a file that is being written may stay as it is between two writes.
const BETWEEN_WRITES: Duration = Duration::from_millis(250);
/// The container's answer when a model does not fit.
const INSUFFICIENT_STORAGE: u16 = 507;

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
    /// The metric's label.
    fn reason(&self) -> &'static str {
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

/// The models of one container and all that changes them.
#[derive(Debug)]
pub(super) struct ModelManager {
    management: ManagementApi,
    pub(super) store: ModelStore,
    folder: ModelFolder,
    disk: Option<DiskBudget>,
    setting: ModelCacheSetting,
    refresh: ModelRefresh,
    /// Held by the one who looks whether an artifact has changed.
    pub(super) checking: tokio::sync::Mutex<()>,
    inventory: Mutex<Inventory>,
    /// Rings when a model has become idle, or a load has ended.
    changed: Notify,
    /// Held by the one who makes room in the container's memory: two at a time would unload more than either needs.
    freeing_memory: tokio::sync::Mutex<()>,
    /// Loads that the container is busy with.
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
        // No code that holds the lock can panic half-way through a change.
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn container(&self) -> &str {
        &self.management.name_in_errors
    }

    /// No request uses a model any more.
    pub(super) fn model_idle(self: &Arc<Self>, client: &Client, target_model: &TargetModel, slot: &Arc<Slot>) {
        self.changed.notify_waiters();
        if self.setting == ModelCacheSetting::Enabled {
            return;
        }
        // Within a runtime except when everything ends, and then the container does too.
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

    /// Loads a model into its slot and says how that went.
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
        // Broken or cut off, perhaps; who mends an artifact in its place wants the new one to be tried.
        if loaded.as_ref().is_err_and(|failure| !is_out_of_memory(failure)) {
            self.delete_unused_artifact(target_model).await;
        }
        outcome.send_replace(Some(loaded));
        self.changed.notify_waiters();
        if !failed && slot.is_idle() {
            // Whoever asked has given up.
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
            match eviction_reason(&self.state(target_model).await) {
                Some(EvictionReason::Changed) if self.is_partial(target_model, slot, start).await => {}
                // Nobody uses it: the model is unloaded, and it is this task alone that loads it.
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

    /// Fetches an artifact that may just be written: what comes of a file that changes meanwhile does not count, whether it is half
    /// an archive or one that there is no more.
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

    /// Whether what lies at a loaded model's place is no whole archive and may become one. That is said once; the model goes on
    /// answering then. Requests that came before somebody began to look are told what was found.
    pub(super) async fn is_partial(&self, target_model: &TargetModel, slot: &Slot, arrived: Instant) -> bool {
        // An object of S3 is there whole or not at all.
        let Some(archive) = self.store.file(target_model) else { return false };
        let mut known = slot.partial.lock().await;
        let begun = Instant::now();
        let (is_known, said) = known.as_ref().map_or((false, false), |found| {
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
            Err(FetchError::BadArtifact(message)) => {
                if !said {
                    let container = self.container();
                    log::warn!("{container}: {}", incomplete_artifact(&archive, &message));
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
                FetchError::NotFoundWithSuggestion(said) => {
                    log::info!("{container}: {said}");
                    InvocationError::NoSuchModel { container, url }
                }
                FetchError::BadArtifact(message) => InvocationError::BadArtifact { container, url, message },
                FetchError::Unavailable(message) => InvocationError::StoreUnavailable { container, url, message },
                FetchError::DiskBusy => {
                    let message = FetchError::DiskBusy.to_string();
                    InvocationError::StoreUnavailable { container, url, message }
                }
                FetchError::Internal(message) | FetchError::Setting(message) => {
                    InvocationError::Internal(format!("{container}: could not unpack {url}: {message}"))
                }
            }
        })?;
        let artifact = Artifact { bytes, version, hits: 0, since: Instant::now() };
        let mut inventory = self.inventory();
        inventory.add_artifact(target_model.clone(), artifact);
        record_disk_gauges(&inventory);
        Ok(())
    }

    /// Has the container load a model; while it has no memory for it, others are unloaded, the least recently used first.
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
                    // What takes the memory is still being loaded by other requests.
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

    /// Unloads the least recently used model that no request uses. Says whether there was one.
    pub(super) async fn unload_idle(self: &Arc<Self>, client: &Client, why: &EvictionReason) -> bool {
        match self.begin_unload_next(EvictionCandidates::Idle) {
            Some(unloading) => {
                self.unload(client, unloading, why).await;
                true
            }
            None => false,
        }
    }

    /// The model that has to go next: requests that come for it from now on wait until it can be loaded again.
    fn begin_unload_next(self: &Arc<Self>, pick: EvictionCandidates) -> Option<Unloading> {
        let mut inventory = self.inventory();
        let (target_model, slot) = inventory.eviction_candidate(pick)?;
        self.begin_unload(&mut inventory, &target_model, &slot)
    }

    fn begin_unload(
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

    /// Unloads a model whose artifact is another by now, in a task of its own: the requests that have it end on it, and those that
    /// come from now on wait until it can be loaded again.
    pub(super) fn unload_replaced(
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
        // Nothing if another request was first.
        let Some(unloading) = unloading else { return };
        let (manager, client) = (Arc::clone(self), client.clone());
        tokio::spawn(async move { manager.unload(&client, unloading, &why).await });
    }

    /// Unloads a model once its requests have ended. Its artifact stays on disk.
    async fn unload(&self, client: &Client, unloading: Unloading, why: &EvictionReason) {
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
            log::warn!("{container}: {target_model} may still be loaded: {failure}");
        }
    }

    /// Deletes artifacts, the least recently used first, until the rest take no more than they may. Where all belong to
    /// loaded models, those are unloaded that no request uses.
    async fn enforce_disk_budget(self: &Arc<Self>, client: &Client) {
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
                // All are in use or on their way in; the next model to come tries again.
                None => return,
            }
        }
    }

    /// Deletes an artifact that nobody needs, and says so.
    async fn evict_artifact(&self, target_model: &TargetModel, why: &EvictionReason) {
        if let Some(Artifact { bytes, hits, since, .. }) = self.delete_unused_artifact(target_model).await {
            metrics::counter!("byoc_endpoint_artifact_evictions_total", "reason" => why.reason()).increment(1);
            let age = since.elapsed().as_secs_f64();
            let (container, target_model) = (self.container(), target_model.as_str());
            log::info!(
                "{container}: deleted {target_model} from disk: {why}; {bytes} bytes, unpacked {age:.1} s ago, {hits} hits"
            );
        }
    }

    /// Deletes the unpacked artifact of a model, if there is one, whose slot is that of the caller.
    async fn delete_artifact(&self, target_model: &TargetModel, id: &str) {
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

    async fn delete_unused_artifact(&self, target_model: &TargetModel) -> Option<Artifact> {
        let id = model_id(&self.store.url(target_model));
        let (artifact, aside) = {
            let mut inventory = self.inventory();
            if !inventory.is_unused(target_model) {
                return None;
            }
            let artifact = inventory.remove_artifact(target_model)?;
            record_disk_gauges(&inventory);
            // Under the lock, so that a request that comes now unpacks into a place that is free.
            (artifact, self.folder.move_to_scratch(&id))
        };
        delete(aside).await;
        Some(artifact)
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

/// A model on its way out; requests for it wait until this is dropped.
struct Unloading {
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

/// A load that the container is busy with.
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

//! The models of a container. They are loaded concurrently, and invocations of different models do not wait for each
//! other.
//!
//! A name has a slot from the start of loading until the model's memory is free again. So of two concurrent loads of
//! the same name, exactly one succeeds and the other gets a conflict.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use byoc_account::{Account, Allowance, Deadline, Lease, Purpose};
use tokio::sync::oneshot;

use crate::container::background;
use crate::container::loader::Loader;
use crate::error::{Cause, Error, Result};
use crate::model::{Answer, Artifact, Cost, Exchange, Model, NamedPath, Script, SeenColumnTypes};
use byoc_sklearn::preprocessor::Overrides;

/// The name that multi-model-server gives the one model of single-model mode (`--models model=/opt/ml/model`).
pub const SINGLE_MODEL: &str = "model";

/// A model in memory. When its last request ends, it is freed and its bytes are returned to the account.
#[derive(Debug)]
pub struct LoadedModel {
    /// The model.
    pub model: Model,
    /// The time that its answers take.
    pub cost: Cost,
    /// The URL that it was loaded from.
    pub url: String,
    /// In a batch transform job, the column types of the payloads so far.
    pub seen: OnceLock<SeenColumnTypes>,
    // Fields are dropped in this order: first the model, then its bytes in the account, then the sender, which signals
    // that the memory is free.
    lease: Lease,
    _freed: oneshot::Sender<()>,
}

impl LoadedModel {
    /// The model's size in memory, in bytes.
    pub fn bytes(&self) -> u64 {
        self.lease.bytes()
    }

    /// Answers a body within the allowance's memory and time.
    ///
    /// # Errors
    /// Those of [`Model::answer`].
    pub(super) fn answer(&self, exchange: Exchange, body: &[u8], allowance: &Allowance) -> Result<Answer> {
        self.model.answer_in_job(exchange, body, self.seen.get(), allowance)
    }

    /// Drops a reference to the model. If it is the last one, a background thread frees the model, since that may take
    /// longer than a thread that answers `/ping` may be blocked.
    pub(super) fn release(self: Arc<LoadedModel>) {
        if let Some(last) = Arc::into_inner(self) {
            background::spawn(move || drop(last));
        }
    }
}

#[derive(Debug)]
enum Slot {
    Loading,
    Ready { loaded: Arc<LoadedModel>, freed: oneshot::Receiver<()> },
    Unloading,
}

impl Slot {
    fn loaded(&self) -> Option<&Arc<LoadedModel>> {
        match self {
            Slot::Ready { loaded, .. } => Some(loaded),
            Slot::Loading | Slot::Unloading => None,
        }
    }
}

/// How many slots are skipped before the lock is released for other threads: some tens of microseconds.
const SLOTS_PER_LOCK: usize = 1024;

/// The slots by name, and the account that all models share.
#[derive(Debug)]
pub struct Registry {
    slots: RwLock<BTreeMap<Box<str>, Slot>>,
    /// The number of loaded models, since counting the slots would take long.
    ready: AtomicUsize,
    account: Arc<Account>,
    large_model_loader: Loader,
    /// Settings for all scikit-learn artifacts, in addition to the files of each.
    overrides: Overrides,
}

/// One page of the list of models.
#[derive(Debug)]
pub struct Page {
    /// Names and URLs, sorted by name.
    pub models: Vec<(String, String)>,
    /// The offset of the next page, if there is one.
    pub next: Option<usize>,
}

/// The memory of a slot besides its model and strings, in bytes: a share of a tree node, reference counts, allocator
/// overhead.
const SLOT_BYTES: u64 = 256;

/// A model is large if its file needs more than 1/64 of the budget. Loading leases memory too, so two large models may
/// not fit at the same time even if each fits alone.
const LARGE_MODEL_DIVISOR: u64 = 64;

impl Registry {
    /// An empty registry. `overrides` are settings for all scikit-learn artifacts that it will load.
    pub fn new(account: Arc<Account>, overrides: Overrides) -> Arc<Registry> {
        Arc::new(Registry {
            slots: RwLock::new(BTreeMap::new()),
            ready: AtomicUsize::new(0),
            account,
            large_model_loader: Loader::default(),
            overrides,
        })
    }

    /// The account that all models share.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// No code that can panic runs while the lock is held, so the map is valid even if it is poisoned.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Box<str>, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Box<str>, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the model at a path, a folder or a file, and registers it under a name. Blocks. Different models are
    /// loaded concurrently, but large ones one at a time.
    ///
    /// # Errors
    /// Those of [`Registry::begin`] and [`PendingLoad::finish`].
    pub fn load(self: &Arc<Registry>, name: &str, source: &NamedPath) -> Result<Arc<LoadedModel>> {
        self.begin(name, source)?.finish()
    }

    /// Finds the model at a path, a folder or a file, and reserves a name for it.
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`] if the path does not exist, [`Cause::ModelAlreadyRegistered`], and [`Cause::NoModel`]
    /// or [`Cause::SeveralModels`] if the folder does not contain exactly one model.
    pub fn begin(self: &Arc<Registry>, name: &str, source: &NamedPath) -> Result<PendingLoad> {
        let (directory, url) = (source.path(), source.name());
        if !directory.is_dir() && !Artifact::is_lone_file(directory) {
            let advice = if directory.exists() {
                " is not a folder: expected the folder that the model was unpacked to, or a *.joblib, *.pkl, *.pickle, \
                 *.skops or sklearn-model"
            } else {
                ""
            };
            return Err(Error::new(Cause::ModelNotFound, format!("Model not found in model store: {url}{advice}")));
        }
        let claim = self.claim(name)?;
        let artifact = Artifact::find_named(source)?;
        if let Some(warning) = Script::warning(&artifact.scripts()) {
            log::warn!("{}{warning}", if name == SINGLE_MODEL { String::new() } else { format!("model {name}: ") });
        }
        if let Some(warning) = artifact.passed_over_warning(source) {
            log::warn!("{}{warning}", if name == SINGLE_MODEL { String::new() } else { format!("model {name}: ") });
        }
        Ok(PendingLoad { claim, artifact, url: url.to_owned() })
    }

    fn claim(self: &Arc<Registry>, name: &str) -> Result<Claim> {
        let mut slots = self.write();
        if slots.contains_key(name) {
            return Err(Error::new(Cause::ModelAlreadyRegistered, format!("Model {name} is already registered.")));
        }
        slots.insert(name.into(), Slot::Loading);
        Ok(Claim { registry: Arc::clone(self), name: name.into() })
    }

    /// A loaded model. It stays in memory until the `Arc` is dropped.
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`], also while the model is being loaded or unloaded.
    pub fn get(&self, name: &str) -> Result<Arc<LoadedModel>> {
        match self.read().get(name) {
            Some(Slot::Ready { loaded, .. }) => Ok(Arc::clone(loaded)),
            _ => Err(not_found(name)),
        }
    }

    /// The number of loaded models.
    pub fn len(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether no model is loaded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A page of at most `limit` loaded models after the first `offset`, sorted by name.
    ///
    /// The lock is released from time to time while slots are skipped, so that loads and unloads do not wait for all of
    /// it.
    pub fn page(&self, offset: usize, limit: usize) -> Page {
        let mut skipped = 0;
        let mut start: Bound<Box<str>> = Bound::Unbounded;
        loop {
            let slots = self.read();
            let rest = slots.range::<str, _>((start.as_ref().map(|name| &**name), Bound::Unbounded));
            if skipped == offset {
                let mut ready = rest.filter_map(|(name, slot)| Some((name, slot.loaded()?)));
                let page = ready.by_ref().take(limit);
                let models: Vec<_> = page.map(|(name, loaded)| (name.to_string(), loaded.url.clone())).collect();
                let next = ready.next().map(|_| offset + models.len());
                return Page { models, next };
            }
            let mut last = None;
            for (name, slot) in rest.take(SLOTS_PER_LOCK) {
                last = Some(name);
                skipped += usize::from(slot.loaded().is_some());
                if skipped == offset {
                    break;
                }
            }
            match last {
                Some(name) => start = Bound::Excluded(name.clone()),
                None => return Page { models: Vec::new(), next: None },
            }
        }
    }

    /// Unregisters a model, waits for its requests in flight, and returns when its memory is free.
    ///
    /// Unloading is completed even if the returned future is dropped.
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`], also while the model is being loaded or already being unloaded.
    pub async fn unload(self: &Arc<Registry>, name: &str) -> Result<()> {
        let (loaded, freed) = {
            let mut slots = self.write();
            let slot = slots.get_mut(name).ok_or_else(|| not_found(name))?;
            match std::mem::replace(slot, Slot::Unloading) {
                Slot::Ready { loaded, freed } => {
                    self.ready.fetch_sub(1, Ordering::Relaxed);
                    (loaded, freed)
                }
                other => {
                    *slot = other;
                    return Err(not_found(name));
                }
            }
        };
        let bytes = loaded.bytes();
        background::spawn(move || drop(loaded));
        let registry = Arc::clone(self);
        let name: Box<str> = name.into();
        let unloading = actix_web::rt::spawn(async move {
            // The sender never sends. It is dropped after the model, and that is the signal.
            let _ = freed.await;
            registry.write().remove(&name);
            background::record_freed(bytes);
        });
        unloading.await.map_err(|error| Error::new(Cause::Internal, "unloading did not finish").caused_by(error))
    }
}

/// A model that was found and whose name is reserved, but that is not in memory yet. Dropping it frees the name.
#[derive(Debug)]
pub struct PendingLoad {
    claim: Claim,
    artifact: Artifact,
    url: String,
}

impl PendingLoad {
    /// The name under which the model will be registered.
    pub fn name(&self) -> &str {
        &self.claim.name
    }

    /// The URL that the model is loaded from.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Loads and registers the model. Blocks.
    ///
    /// # Errors
    /// [`Cause::InsufficientMemory`], and those of [`Artifact::load`].
    pub fn finish(self) -> Result<Arc<LoadedModel>> {
        let PendingLoad { claim, artifact, url } = self;
        let registry = &claim.registry;
        let overhead = SLOT_BYTES + 2 * (claim.name.len() + url.len()) as u64;
        let is_large = artifact.length()? > registry.account.limit() / LARGE_MODEL_DIVISOR;
        let (account, overrides) = (Arc::clone(&registry.account), registry.overrides.clone());
        let load = move || load(artifact, overrides, &account, overhead);
        let loaded = if is_large { registry.large_model_loader.run(load) } else { load() };
        let (model, lease) = loaded.map_err(|error| match error.cause() {
            Cause::InsufficientMemory => error.context(format_args!("Model {} does not fit into memory", claim.name)),
            _ => error,
        })?;
        let (sender, freed) = oneshot::channel();
        let loaded =
            Arc::new(LoadedModel { cost: Cost::of(&model), model, url, seen: OnceLock::new(), lease, _freed: sender });
        claim.fill(Arc::clone(&loaded), freed);
        Ok(loaded)
    }
}

/// Loads a model and leases its memory from an account, with `overhead` bytes in addition to the model's own.
fn load(artifact: Artifact, overrides: Overrides, account: &Arc<Account>, overhead: u64) -> Result<(Model, Lease)> {
    let allowance = Allowance::of(Lease::empty(account), Purpose::Load, Deadline::never());
    allowance.take(usize::try_from(overhead).unwrap_or(usize::MAX))?;
    let model = artifact.load(&overrides, &allowance)?;
    let lease = allowance.settle(model.bytes().saturating_add(overhead))?;
    Ok((model, lease))
}

fn not_found(name: &str) -> Error {
    Error::new(Cause::ModelNotFound, format!("Model not found: {name}"))
}

/// The slot of a model that is being loaded. Dropping it frees the slot unless it was filled.
#[derive(Debug)]
struct Claim {
    registry: Arc<Registry>,
    name: Box<str>,
}

impl Claim {
    fn fill(self, loaded: Arc<LoadedModel>, freed: oneshot::Receiver<()>) {
        if let Some(slot) = self.registry.write().get_mut(&self.name) {
            *slot = Slot::Ready { loaded, freed };
            self.registry.ready.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut slots = self.registry.write();
        if matches!(slots.get(&self.name), Some(Slot::Loading)) {
            slots.remove(&self.name);
        }
    }
}

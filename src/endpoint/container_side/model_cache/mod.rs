//! The models of a multi-model container: each is unpacked and loaded once, on first use, shared by all requests for
//! it. The least recently used model is evicted first when memory or disk is needed.
//!
//! [`ModelCache`] hands out [`LoadedModel`]s; `inventory` lists loaded models and unpacked artifacts in the order of
//! last use; `model_manager` loads, unloads and deletes them, with an `eviction_reason`; `management_api` calls the
//! container.

mod eviction_reason;
mod inventory;
mod management_api;
mod model_manager;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eviction_reason::EvictionReason;
use inventory::Slot;
use model_manager::ModelManager;
use reqwest::{Client, Url};

use super::arrival::Arrival;
use super::change_watch::{ArtifactState, ModelRefresh, check_failed};
use super::error::InvocationError;
use super::model_store::{ModelFolder, ModelStore};
use super::target_model::TargetModel;
use crate::error::Reason;
use crate::platform::create_model::ModelCacheSetting;

/// The settings of a model cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How long a request waits for its model; then its client gets a ModelNotReadyException while loading continues
    /// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
    pub model_ready_timeout: Duration,
    /// The most bytes of unpacked artifacts; unlimited if `None`.
    pub disk: Option<u64>,
    /// Whether a model stays loaded after it has answered.
    pub setting: ModelCacheSetting,
    /// How replaced artifacts are handled.
    pub refresh: ModelRefresh,
}

impl Default for CacheSettings {
    /// 60 s, unlimited, Enabled, never refreshed.
    fn default() -> CacheSettings {
        CacheSettings {
            model_ready_timeout: Duration::from_secs(60),
            disk: None,
            setting: ModelCacheSetting::Enabled,
            refresh: ModelRefresh::Never,
        }
    }
}

/// The models that are loaded into a container.
#[derive(Clone, Debug)]
pub struct ModelCache {
    manager: Arc<ModelManager>,
    model_ready_timeout: Duration,
    refresh: ModelRefresh,
}

/// A loaded model, which stays loaded until this is dropped.
#[derive(Debug)]
pub(super) struct LoadedModel {
    url: Url,
    lease: ModelLease,
    /// The request that uses it.
    arrived: Arrival,
}

impl LoadedModel {
    /// The URL at which to invoke the model.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The model's name.
    pub(super) fn target_model(&self) -> &TargetModel {
        &self.lease.target_model
    }
}

/// A request's claim on a model, counted in its slot.
#[derive(Debug)]
struct ModelLease {
    target_model: TargetModel,
    slot: Arc<Slot>,
    manager: Arc<ModelManager>,
    client: Client,
}

impl Drop for ModelLease {
    fn drop(&mut self) {
        if self.slot.leases.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.manager.model_idle(&self.client, &self.target_model, &self.slot);
        }
    }
}

impl ModelCache {
    /// A cache for the container that listens at `origin`: archives come from `store` and are unpacked into `folder`,
    /// which the container sees under the same path.
    pub fn new(name_in_errors: &str, origin: Url, store: ModelStore, folder: ModelFolder) -> ModelCache {
        ModelCache::with_settings(name_in_errors, origin, store, folder, CacheSettings::default())
    }

    /// As [`ModelCache::new`], with settings.
    pub fn with_settings(
        name_in_errors: &str,
        origin: Url,
        store: ModelStore,
        folder: ModelFolder,
        settings: CacheSettings,
    ) -> ModelCache {
        let manager = ModelManager::new(name_in_errors, origin, store, folder, &settings);
        ModelCache {
            manager: Arc::new(manager),
            model_ready_timeout: settings.model_ready_timeout,
            refresh: settings.refresh,
        }
    }

    /// A model for a request, once it is loaded. With ModelRefresh Changed, it is at least as new as the artifact was
    /// when the request arrived: a model whose artifact was replaced finishes its current requests and is loaded again.
    ///
    /// # Errors
    /// If there is no such model, it cannot be loaded, or it is not ready in time.
    pub(super) async fn lease(
        &self,
        client: &Client,
        target_model: &TargetModel,
        arrived: Arrival,
    ) -> Result<LoadedModel, InvocationError> {
        loop {
            let model = self.loaded(client, target_model, arrived).await?;
            let slot = &model.lease.slot;
            if self.refresh == ModelRefresh::Never {
                self.manager.check_later(target_model, slot);
                return Ok(model);
            }
            if slot.was_checked_since(arrived.at) || slot.backoff.is_active() {
                return Ok(model);
            }
            let state = self.manager.state(target_model).await;
            if let ArtifactState::Unknown(problem) = &state {
                let place = self.manager.store.display_location(target_model);
                log::warn!("request {}: {}", arrived.id, check_failed(&place, problem));
                slot.backoff.begin();
            }
            match EvictionReason::for_state(&state) {
                None => return Ok(model),
                Some(EvictionReason::Changed) if self.manager.is_partial(target_model, slot, arrived.at).await => {
                    return Ok(model);
                }
                Some(why) => self.manager.unload_replaced(client, target_model, slot, why),
            }
        }
    }

    /// A model for a request, once it is loaded, without a check of its artifact.
    async fn loaded(
        &self,
        client: &Client,
        target_model: &TargetModel,
        arrived: Arrival,
    ) -> Result<LoadedModel, InvocationError> {
        let lease = self.acquire(client, target_model, arrived);
        let mut loading = lease.slot.loading.clone();
        let deadline = tokio::time::Instant::from_std(arrived.at + self.model_ready_timeout);
        match tokio::time::timeout_at(deadline, loading.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => match &*outcome {
                Some(Ok(url)) => Ok(LoadedModel { url: url.clone(), lease, arrived }),
                Some(Err(failure)) => Err(failure.clone()),
                None => Err(InvocationError::Internal(Reason::new("a model was neither loaded nor not"))),
            },
            Ok(Err(_)) => {
                // The loading task ended without a result: the next request starts anew.
                self.manager.inventory().remove_slot(target_model, &lease.slot);
                Err(InvocationError::Internal(Reason::new("loading was broken off")))
            }
            Err(_) => Err(InvocationError::ModelNotReady {
                target_model: target_model.as_str().to_owned(),
                waited: self.model_ready_timeout,
            }),
        }
    }

    /// Loads a model again that the container no longer has.
    ///
    /// # Errors
    /// As for [`ModelCache::lease`].
    pub(super) async fn reload(&self, client: &Client, model: LoadedModel) -> Result<LoadedModel, InvocationError> {
        let ModelLease { target_model, slot, .. } = &model.lease;
        if self.manager.inventory().remove_slot(target_model, slot) {
            metrics::gauge!("byoc_endpoint_loaded_models").decrement(1);
            let (id, container) = (model.arrived.id, self.manager.container());
            log::warn!("request {id}: {container} has lost {}; loading it again", target_model.as_str());
        }
        let (target_model, arrived) = (target_model.clone(), model.arrived);
        drop(model);
        self.lease(client, &target_model, arrived).await
    }

    /// Forgets all models, because the container was restarted.
    pub fn clear(&self) {
        let forgotten = self.manager.inventory().forget_loaded();
        metrics::gauge!("byoc_endpoint_loaded_models").decrement(forgotten as f64);
    }

    /// Unloads the least recently used idle model, for a container that ran out of memory during an
    /// invocation. Returns whether there was one.
    pub(super) async fn evict_idle(&self, client: &Client, model: &LoadedModel) -> bool {
        let needed_for = model.lease.target_model.as_str().to_owned();
        self.manager.unload_idle(client, &EvictionReason::Invocation { needed_for }).await
    }

    /// Registers a request for a model; the first request starts to load it.
    fn acquire(&self, client: &Client, target_model: &TargetModel, arrived: Arrival) -> ModelLease {
        let user = |slot: Arc<Slot>| {
            slot.leases.fetch_add(1, Ordering::AcqRel);
            let (manager, client) = (Arc::clone(&self.manager), client.clone());
            ModelLease { target_model: target_model.clone(), slot, manager, client }
        };
        let mut inventory = self.manager.inventory();
        if let Some(slot) = inventory.use_slot(target_model) {
            slot.hits.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("byoc_endpoint_model_cache_hits_total").increment(1);
            return user(slot);
        }
        metrics::counter!("byoc_endpoint_model_cache_misses_total").increment(1);
        let (outcome, loading) = tokio::sync::watch::channel(None);
        let slot = Arc::new(Slot::new(loading, self.manager.store.check_interval()));
        let user = user(Arc::clone(&slot));
        inventory.add_slot(target_model.clone(), Arc::clone(&slot));
        drop(inventory);
        let (manager, client, target_model) = (Arc::clone(&self.manager), client.clone(), target_model.clone());
        // A separate task: loading continues if the client disconnects.
        tokio::spawn(async move { manager.load_into_slot(&client, &target_model, arrived.id, &slot, outcome).await });
        user
    }
}

#[cfg(test)]
#[path = "model_cache_test.rs"]
mod tests;

#[cfg(test)]
#[path = "eviction_test.rs"]
mod eviction_tests;

#[cfg(test)]
#[path = "refresh_test.rs"]
mod refresh_tests;

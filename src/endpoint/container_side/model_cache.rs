//! The models of a multi-model container: each is unpacked and loaded once, on first use, however many requests wait.
//!
//! The calls are those of docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use tokio::sync::watch;

use super::failure::{ContainerFailure, Failure};
use super::http::{Body, read_body};
use super::model_store::{ModelFolder, ModelStore, model_id, unpack_model};
use super::target_model::TargetModel;
use crate::error::{Cause, Error};

/// How long a request waits for its model; then its client gets a ModelNotReadyException while loading goes on
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a container may take to load a model (docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html).
const LOADING_LIMIT: Duration = Duration::from_secs(360);
/// The most that is read of a management call's answer.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// The models that a container was told to load.
#[derive(Debug)]
pub struct ModelCache {
    loader: Arc<Loader>,
    models: Arc<Models>,
    patience: Duration,
}

/// A slot for each model that is loaded or being loaded. A model that could not be loaded has none: the next request
/// tries again.
type Models = Mutex<HashMap<TargetModel, watch::Receiver<Loading>>>;

/// Nothing while it lasts, then the URL to invoke the model at, or why it could not be loaded.
type Loading = Option<Result<Url, Failure>>;

impl ModelCache {
    /// A cache for the container that listens at `origin`: archives come from `store` and are unpacked into `folder`,
    /// which the container sees under the same path.
    pub fn new(name_in_errors: &str, origin: Url, store: ModelStore, folder: ModelFolder) -> ModelCache {
        let loader = Loader { name_in_errors: name_in_errors.to_owned(), origin, store, folder };
        ModelCache { loader: Arc::new(loader), models: Arc::default(), patience: PATIENCE }
    }

    /// Where to invoke a model, once it is loaded.
    ///
    /// # Errors
    /// When there is no such model, it cannot be loaded, or it is not ready within 60 s.
    pub(super) async fn invoke_url(&self, client: &Client, target_model: &TargetModel) -> Result<Url, Failure> {
        let mut loading = self.loading(client, target_model);
        let outcome = match tokio::time::timeout(self.patience, loading.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone(),
            // The task that loads has gone without a word: the next request starts anew.
            Ok(Err(_)) => {
                lock(&self.models).remove(target_model);
                None
            }
            Err(_) => {
                let target_model = target_model.as_str().to_owned();
                return Err(Failure::ModelNotReady { target_model, waited: self.patience });
            }
        };
        outcome.unwrap_or_else(|| Err(Failure::Internal("loading was broken off".into())))
    }

    /// The slot of a model; the first who asks starts to fill it.
    fn loading(&self, client: &Client, target_model: &TargetModel) -> watch::Receiver<Loading> {
        let mut models = lock(&self.models);
        // Looked up by reference first: a hit takes no copy of the name.
        if let Some(slot) = models.get(target_model) {
            metrics::counter!("byoc_endpoint_model_cache_hits_total").increment(1);
            return slot.clone();
        }
        metrics::counter!("byoc_endpoint_model_cache_misses_total").increment(1);
        let (outcome, slot) = watch::channel(None);
        models.insert(target_model.clone(), slot.clone());
        drop(models);
        let (loader, models) = (Arc::clone(&self.loader), Arc::clone(&self.models));
        let (client, target_model) = (client.clone(), target_model.clone());
        // A task of its own: loading goes on when the client that asked for it hangs up.
        tokio::spawn(async move {
            let loaded = loader.load(&client, &target_model).await;
            match &loaded {
                Ok(_) => metrics::gauge!("byoc_endpoint_loaded_models").increment(1),
                Err(_) => drop(lock(&models).remove(&target_model)),
            }
            outcome.send_replace(Some(loaded));
        });
        slot
    }
}

fn lock(models: &Models) -> MutexGuard<'_, HashMap<TargetModel, watch::Receiver<Loading>>> {
    // No code that holds the lock can panic half-way through a change.
    models.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unpacks a model and has the container load it.
#[derive(Debug)]
struct Loader {
    name_in_errors: String,
    origin: Url,
    store: ModelStore,
    folder: ModelFolder,
}

/// The body of `POST /models`.
#[derive(Serialize)]
struct LoadModel<'a> {
    model_name: &'a str,
    url: &'a str,
}

impl Loader {
    async fn load(self: &Arc<Self>, client: &Client, target_model: &TargetModel) -> Result<Url, Failure> {
        let id = model_id(&self.store.url(target_model));
        let folder = self.folder.model(&id);
        let start = Instant::now();
        self.unpack(target_model, &folder).await?;
        let unpacked = start.elapsed();
        metrics::histogram!("byoc_endpoint_model_unpacking_seconds").record(unpacked);
        self.tell_container(client, target_model, &id, &folder).await?;
        let loaded = start.elapsed() - unpacked;
        metrics::histogram!("byoc_endpoint_model_loading_seconds").record(loaded);
        log::info!(
            "{}: loaded {} as {id}: unpacked in {:.1} ms, loaded in {:.1} ms",
            self.name_in_errors,
            target_model.as_str(),
            unpacked.as_secs_f64() * 1e3,
            loaded.as_secs_f64() * 1e3
        );
        Ok(self.at(&format!("/models/{id}/invoke")))
    }

    async fn unpack(self: &Arc<Self>, target_model: &TargetModel, folder: &str) -> Result<(), Failure> {
        let (this, target_model, folder) = (Arc::clone(self), target_model.clone(), folder.to_owned());
        let unpacking = tokio::task::spawn_blocking(move || {
            let Some(archive) = this.store.find(&target_model) else {
                let (container, url) = (this.name_in_errors.clone(), this.store.url(&target_model));
                return Err(Failure::NoSuchModel { container, url });
            };
            unpack_model(&archive, Path::new(&folder)).map_err(|error| this.not_unpacked(&target_model, &error))
        });
        match unpacking.await {
            Ok(unpacked) => unpacked,
            Err(error) => Err(Failure::Internal(format!("unpacking was broken off: {error}"))),
        }
    }

    fn not_unpacked(&self, target_model: &TargetModel, error: &Error) -> Failure {
        let (container, url) = (self.name_in_errors.clone(), self.store.url(target_model));
        match error.cause() {
            Cause::BadArtifact => Failure::BadArtifact { container, url, message: error.to_string() },
            _ => Failure::Internal(format!("{container}: could not unpack {url}: {error}")),
        }
    }

    /// Has the container load the model that lies in `folder`.
    async fn tell_container(
        &self,
        client: &Client,
        target_model: &TargetModel,
        id: &str,
        folder: &str,
    ) -> Result<(), Failure> {
        let mut response = self.post_models(client, target_model, id, folder).await?;
        if response.status() == StatusCode::CONFLICT {
            // It has the model from an endpoint that ran before this one; what lies there may have changed since.
            let url = self.at(&format!("/models/{id}"));
            let deleted = client.delete(url).timeout(LOADING_LIMIT).send().await;
            self.expect_success(deleted.map_err(|error| self.no_answer(&error))?).await?;
            response = self.post_models(client, target_model, id, folder).await?;
        }
        self.expect_success(response).await
    }

    async fn post_models(
        &self,
        client: &Client,
        target_model: &TargetModel,
        id: &str,
        folder: &str,
    ) -> Result<Response, Failure> {
        let json = HeaderValue::from_static("application/json");
        let body = serde_json::to_vec(&LoadModel { model_name: id, url: folder })
            .map_err(|error| Failure::Internal(error.to_string()))?;
        let mut request = client
            .post(self.at("/models"))
            .header(reqwest::header::CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .body(body)
            .timeout(LOADING_LIMIT);
        if let Ok(target_model) = HeaderValue::from_bytes(target_model.as_str().as_bytes()) {
            request = request.header("X-Amzn-SageMaker-Target-Model", target_model);
        }
        request.send().await.map_err(|error| self.no_answer(&error))
    }

    async fn expect_success(&self, response: Response) -> Result<(), Failure> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let what = match read_body(response, ANSWER_LIMIT).await {
            Ok(Body::Whole(body)) => ContainerFailure::Status(status.as_u16(), body),
            Ok(Body::TooLarge(_)) => ContainerFailure::BodyTooLarge(status.as_u16(), ANSWER_LIMIT),
            Err(error) => ContainerFailure::from_error(&error),
        };
        Err(self.failure(what))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url
    }

    fn no_answer(&self, error: &reqwest::Error) -> Failure {
        self.failure(ContainerFailure::from_error(error))
    }

    fn failure(&self, what: ContainerFailure) -> Failure {
        Failure::Container { container: self.name_in_errors.clone(), what }
    }
}

#[cfg(test)]
#[path = "model_cache_test.rs"]
mod tests;

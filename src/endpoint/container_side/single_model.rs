//! The model of a single-model container: the container's address, and the replacement of the model.
//!
//! Such a container reads its model at its start. With [`ModelRefresh::Changed`], a request that finds another artifact
//! has a second container started with it. That container takes over once it is healthy; requests in flight finish on
//! the first one, which is then stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::arrival::Arrival;
use super::change_watch::{ArtifactState, ChangeWatcher, CheckBackoff, CheckInterval, ModelRefresh, check_failed};
use super::error::InvocationError;
use super::partial_artifact::{incomplete_artifact, may_become_archive, may_become_model, was_modified_recently};
use crate::env;
use crate::error::{Cause, Error, Reason};
use crate::platform::create_model::ModelDataUrl;
use crate::platform::environment::ModelLocation;
use crate::platform::fetch::{self, FetchError};
use crate::storage::{Location, Storage, Version};
use crate::supervisor::{ContainerCommand, ContainerProcess, Health, HostingMode, Replacement, StartError};
use byoc_formats::error::chain;

/// The address for requests. Its container is not stopped before this is dropped.
#[derive(Debug)]
pub(super) struct InvocationTarget {
    pub(super) url: Url,
    _in_use: mpsc::Sender<()>,
}

/// Closes when no request uses a container any more.
pub(super) type Drained = mpsc::Receiver<()>;

impl InvocationTarget {
    fn at(mut origin: Url) -> (Arc<InvocationTarget>, Drained) {
        origin.set_path("/invocations");
        let (in_use, drained) = mpsc::channel(1);
        (Arc::new(InvocationTarget { url: origin, _in_use: in_use }), drained)
    }
}

/// The model of a container.
#[derive(Debug)]
pub(super) struct SingleModel {
    current: Mutex<Current>,
    /// `None` for a container that byoc did not start: it manages its own model.
    artifact: Option<ModelArtifact>,
    watcher: ChangeWatcher,
    /// The pause after a failed check.
    backoff: CheckBackoff,
    /// Held during a replacement.
    replacing: Arc<tokio::sync::Mutex<()>>,
}

/// The current container.
#[derive(Debug)]
struct Current {
    target: Arc<InvocationTarget>,
    drained: Option<Drained>,
    /// The version of the artifact at the last attempt to load it; `None` if there was no artifact.
    version: Option<Version>,
    /// Why it cannot answer.
    problem: Option<InvocationError>,
    /// An incomplete artifact that was found since.
    partial: Option<PartialArtifact>,
}

/// The version of an artifact that could not be loaded and may be incomplete, and when the attempt began.
#[derive(Debug)]
struct PartialArtifact {
    version: Option<Version>,
    begun: Instant,
}

/// The artifact of a container's model, and how to start another container with it.
#[derive(Debug)]
pub(super) struct ModelArtifact {
    pub(super) container: String,
    pub(super) name_in_log: String,
    pub(super) url: ModelDataUrl,
    pub(super) storage: Arc<Storage>,
    pub(super) refresh: ModelRefresh,
    /// Where a container's process is supervised, and the client for its health checks.
    pub(super) runtime: Handle,
    pub(super) client: Client,
    /// How long a request waits for a replacement.
    pub(super) wait_limit: Duration,
    pub(super) executable: PathBuf,
    /// The variables of the first container, except the path of its model.
    pub(super) variables: BTreeMap<String, String>,
    /// Each further artifact is unpacked in a folder beside this one.
    pub(super) base_dir: PathBuf,
    /// The time within which a container must become healthy.
    pub(super) health_check_timeout: Duration,
    /// The container's supervisor.
    pub(super) replacements: UnboundedSender<Replacement>,
    pub(super) started: AtomicU64,
}

impl SingleModel {
    /// A container at `origin` that manages its own model.
    pub(super) fn external(origin: Url) -> SingleModel {
        SingleModel::new(origin, None, None)
    }

    /// A container that was started with this version of an artifact.
    pub(super) fn with_artifact(origin: Url, artifact: ModelArtifact, version: Option<Version>) -> SingleModel {
        SingleModel::new(origin, Some(artifact), version)
    }

    fn new(origin: Url, artifact: Option<ModelArtifact>, version: Option<Version>) -> SingleModel {
        let (target, drained) = InvocationTarget::at(origin);
        let interval =
            artifact.as_ref().map_or(CheckInterval::FILES, |artifact| CheckInterval::of(&artifact.url.location));
        let current = Mutex::new(Current { target, drained: Some(drained), version, problem: None, partial: None });
        SingleModel {
            current,
            artifact,
            watcher: ChangeWatcher::new(interval),
            backoff: CheckBackoff::default(),
            replacing: Arc::default(),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // It is changed in one step, so a panic cannot leave it inconsistent.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The target of a request.
    ///
    /// # Errors
    /// With ModelRefresh Changed: the artifact was deleted, is broken, or its container is not ready in time.
    pub(super) async fn target(self: &Arc<Self>, arrived: Arrival) -> Result<Arc<InvocationTarget>, InvocationError> {
        let Some(artifact) = &self.artifact else { return Ok(Arc::clone(&self.current().target)) };
        if artifact.refresh == ModelRefresh::Never {
            self.check_later(artifact);
            return Ok(Arc::clone(&self.current().target));
        }
        if self.backoff.is_active() {
            return self.answer();
        }
        match self.artifact_state(artifact).await {
            ArtifactState::Unchanged => self.answer(),
            ArtifactState::Unknown(problem) => {
                log::warn!("request {}: {}", arrived.id, check_failed(&artifact.url.display_location(), &problem));
                self.backoff.begin();
                self.answer()
            }
            ArtifactState::Changed | ArtifactState::Deleted => {
                // A separate task: the container is replaced even if the client disconnects, and it outlives the thread
                // that answers the request.
                let model = Arc::clone(self);
                let replacing = artifact.runtime.spawn(async move { model.replace(arrived.at).await });
                let deadline = tokio::time::Instant::from_std(arrived.at + artifact.wait_limit);
                match tokio::time::timeout_at(deadline, replacing).await {
                    Ok(Ok(())) => self.answer(),
                    Ok(Err(error)) => Err(InvocationError::Internal(Reason::new(
                        Error::new(Cause::Internal, "replacing a model was broken off").caused_by(error),
                    ))),
                    Err(_) => Err(InvocationError::ModelNotReady {
                        target_model: artifact.url.as_written.clone(),
                        waited: artifact.wait_limit,
                    }),
                }
            }
        }
    }

    fn answer(&self) -> Result<Arc<InvocationTarget>, InvocationError> {
        let current = self.current();
        current.problem.clone().map_or_else(|| Ok(Arc::clone(&current.target)), Err)
    }

    /// The state of the artifact, compared with the last attempt to load it.
    async fn artifact_state(&self, artifact: &ModelArtifact) -> ArtifactState {
        let loaded = self.current().version.clone();
        let look = fetch::version(&artifact.url, &artifact.storage);
        match loaded {
            Some(loaded) => ArtifactState::checked(&loaded, look).await,
            None => ArtifactState::checked_where_nothing_was(look).await,
        }
    }

    /// Schedules a check of the artifact, unless one is scheduled or a change was reported.
    fn check_later(self: &Arc<Self>, artifact: &ModelArtifact) {
        if self.current().version.is_none() || !self.watcher.begin() {
            return;
        }
        let (model, name, place) = (Arc::clone(self), artifact.name_in_log.clone(), artifact.url.display_location());
        tokio::spawn(async move {
            model.watcher.pause().await;
            let state = match &model.artifact {
                Some(artifact) => model.artifact_state(artifact).await,
                None => ArtifactState::Unchanged,
            };
            if let Some(said) = state.change() {
                log::warn!(
                    "container {name}: {place} {said}; the loaded model keeps answering (--model-refresh changed starts \
                     another container with the new artifact)"
                );
            }
            model.watcher.end(state.change().is_some());
        });
    }

    /// Replaces the container by one with the current artifact, if that differs from the loaded one;
    /// for a request that arrived at `arrived`.
    async fn replace(&self, arrived: Instant) {
        let _turn = Arc::clone(&self.replacing).lock_owned().await;
        let Some(artifact) = &self.artifact else { return };
        let state = self.artifact_state(artifact).await;
        if !matches!(state, ArtifactState::Changed | ArtifactState::Deleted) {
            // Another request has replaced it already.
            return;
        }
        let (version, started) = loop {
            let begun = Instant::now();
            let before = fetch::version(&artifact.url, &artifact.storage).await.ok();
            if self.is_known_partial(artifact, before.as_ref(), arrived) {
                return;
            }
            let started = artifact.start().await;
            let is_same = fetch::version(&artifact.url, &artifact.storage).await.ok() == before;
            match started {
                Err(StartFailure { failure, may_be_partial: true }) => {
                    let version = before.filter(|_| is_same);
                    let known = self.current().partial.replace(PartialArtifact { version, begun });
                    if known.is_none()
                        && let Location::Local(path) = &artifact.url.location
                    {
                        let said = incomplete_artifact(path, &chain(&failure).to_string());
                        log::warn!("container {}: {said}", artifact.name_in_log);
                    }
                    return;
                }
                started if is_same => break (before, started),
                // The artifact was replaced meanwhile.
                Ok(started) => started.process.stop_and_delete_model().await,
                Err(_) => {}
            }
        };
        let (name, place) = (&artifact.name_in_log, artifact.url.display_location());
        let mut current = self.current();
        current.version = version;
        current.problem = None;
        current.partial = None;
        match started {
            Ok(StartedContainer { process, origin }) => {
                log::info!(
                    "container {name}: {place} has changed since it was loaded; the container at {origin} answers now"
                );
                let (target, drained) = InvocationTarget::at(origin.clone());
                current.target = target;
                let drained = current.drained.replace(drained);
                // The receiver is gone if the endpoint is stopping; then dropping the supervisor ends the process.
                let _ = artifact.replacements.send(Replacement { process, origin, drained });
            }
            Err(StartFailure { failure: failure @ InvocationError::NoSuchModel { .. }, .. }) => {
                log::warn!(
                    "container {name}: {place} was deleted since it was loaded; requests are refused until a model \
                     exists there"
                );
                current.problem = Some(failure);
            }
            Err(StartFailure { failure, .. }) => {
                log::warn!(
                    "container {name}: {place} has changed since it was loaded, and cannot be loaded now: {}; \
                     requests are refused until it is replaced",
                    chain(&failure)
                );
                current.problem = Some(failure);
            }
        }
    }

    /// Whether this version of the artifact was tried, or any was tried after the request arrived, and it may be
    /// incomplete.
    fn is_known_partial(&self, artifact: &ModelArtifact, version: Option<&Version>, arrived: Instant) -> bool {
        let Location::Local(path) = &artifact.url.location else { return false };
        let current = self.current();
        current.partial.as_ref().is_some_and(|found| {
            let is_same = version.is_some() && found.version.as_ref() == version;
            found.begun >= arrived || is_same && was_modified_recently(path)
        })
    }
}

/// A new container, which is healthy.
struct StartedContainer {
    process: ContainerProcess,
    origin: Url,
}

/// Why a new container could not be started.
struct StartFailure {
    failure: InvocationError,
    /// Whether the artifact may still be being written.
    may_be_partial: bool,
}

impl ModelArtifact {
    /// Starts a new container with the current artifact.
    async fn start(&self) -> Result<StartedContainer, StartFailure> {
        let (container, url) = (self.container.clone(), self.url.as_written.clone());
        let may_be = |is_half: fn(&Path) -> bool| match &self.url.location {
            Location::Local(path) => is_half(path),
            Location::S3 { .. } => false,
        };
        let broken =
            |reason: Reason| InvocationError::BadArtifact { container: container.clone(), url: url.clone(), reason };
        let not_loaded =
            |reason: Reason| StartFailure { failure: broken(reason), may_be_partial: may_be(may_become_model) };
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let mut own_folder = self.base_dir.clone().into_os_string();
        own_folder.push(format!(".{number}"));
        let own_folder = PathBuf::from(own_folder);
        let (place, folder) = match self.url.folder() {
            Some(folder) => (ModelLocation::ModelDir(folder), None),
            None => {
                let fetched = fetch::fetch(&self.url, &self.storage, &own_folder.join("model")).await;
                fetched.map_err(|error| {
                    let may_be_partial = matches!(error, FetchError::BadArtifact(_)) && may_be(may_become_archive);
                    let failure = match error {
                        FetchError::NotFound(_) | FetchError::NotFoundWithSuggestion(_) => {
                            InvocationError::NoSuchModel { container: container.clone(), url: url.clone() }
                        }
                        FetchError::BadArtifact(reason) => broken(reason),
                        FetchError::Unavailable(reason) => {
                            InvocationError::StoreUnavailable { container: container.clone(), url: url.clone(), reason }
                        }
                        other => InvocationError::Internal(Reason::new(
                            Error::new(Cause::Internal, format!("{container}: {url}")).caused_by(other),
                        )),
                    };
                    StartFailure { failure, may_be_partial }
                })?;
                (ModelLocation::BaseDir(&own_folder), Some(own_folder.clone()))
            }
        };
        let mut variables = self.variables.clone();
        // A folder may have been replaced by an archive.
        variables.retain(|name, _| name != env::SM_MODEL_DIR && name != env::SAGEMAKER_BASE_DIR);
        variables.extend(place.variables());
        let command = ContainerCommand { executable: self.executable.clone(), variables, model_folder: folder };
        let leftover = command.clone();
        match self.start_ready(command).await {
            Ok(started) => Ok(started),
            Err(StartError { problem, logged, .. }) => {
                leftover.delete_model().await;
                // Its last error is why it did not become ready.
                Err(not_loaded(match logged {
                    None => problem,
                    Some(logged) => {
                        Reason::new(Error::new(Cause::NotHealthy, chain(&problem).to_string()).caused_by(logged))
                    }
                }))
            }
        }
    }

    async fn start_ready(&self, command: ContainerCommand) -> Result<StartedContainer, StartError> {
        let (process, origin) = ContainerProcess::start(&self.name_in_log, command, Health::default()).await?;
        let ready =
            process.until_ready(&self.client, &origin, HostingMode::SingleModel, self.health_check_timeout).await;
        ready.map(|(process, _)| StartedContainer { process, origin })
    }
}

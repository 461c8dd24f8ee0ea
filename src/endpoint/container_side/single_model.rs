//! The one model of a container: where the container listens, and what happens when the model is replaced.
//!
//! A container of one model reads it at its start. Where artifacts are looked at ([`ModelRefresh::Changed`]), a request that finds
//! another one has a second container started with it. That takes the first one's place once it is healthy: requests that are in
//! flight end on the first, which is stopped then.

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
use crate::platform::create_model::ModelDataUrl;
use crate::platform::environment::ModelLocation;
use crate::platform::fetch::{self, FetchError};
use crate::storage::{Location, Storage, Version};
use crate::supervisor::{ContainerCommand, ContainerProcess, Health, Replacement, Serves, StartError};

/// Where requests are sent. The container that listens there is not stopped before this is dropped.
#[derive(Debug)]
pub(super) struct InvocationTarget {
    pub(super) url: Url,
    _in_use: mpsc::Sender<()>,
}

/// Ends when nobody sends requests to a container any more.
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
    /// Nothing for a container that somebody else runs: its model is not ours.
    artifact: Option<ModelArtifact>,
    watcher: ChangeWatcher,
    /// After a look that came to nothing.
    backoff: CheckBackoff,
    /// Held by the one who replaces it.
    replacing: Arc<tokio::sync::Mutex<()>>,
}

/// What answers now.
#[derive(Debug)]
struct Current {
    target: Arc<InvocationTarget>,
    drained: Option<Drained>,
    /// The version of what was loaded, or tried to, last; nothing where there was none.
    version: Option<Version>,
    /// Why that cannot answer.
    problem: Option<InvocationError>,
    /// What was found in its place since, and is not whole yet.
    partial: Option<PartialArtifact>,
}

/// A content of the artifact's place that could not be loaded and may be a part of one that can, and when it was tried.
#[derive(Debug)]
struct PartialArtifact {
    version: Option<Version>,
    begun: Instant,
}

/// Where a container's model comes from, and how another container is started with what lies there.
#[derive(Debug)]
pub(super) struct ModelArtifact {
    pub(super) container: String,
    pub(super) name_in_log: String,
    pub(super) url: ModelDataUrl,
    pub(super) storage: Arc<Storage>,
    pub(super) refresh: ModelRefresh,
    /// Where a container's process is watched, and who speaks to it there.
    pub(super) runtime: Handle,
    pub(super) client: Client,
    /// How long a request waits.
    pub(super) wait_limit: Duration,
    pub(super) executable: PathBuf,
    /// The variables of the first container but for the place of its model.
    pub(super) variables: BTreeMap<String, String>,
    /// Each further artifact is unpacked in a folder beside this one.
    pub(super) base_dir: PathBuf,
    /// How long a container may take until it is healthy.
    pub(super) health_check_timeout: Duration,
    /// Who looks after the container.
    pub(super) replacements: UnboundedSender<Replacement>,
    pub(super) started: AtomicU64,
}

impl SingleModel {
    /// A container that listens at an origin and whose model is its own affair.
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
        // Changed in one step.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to send a request.
    ///
    /// # Errors
    /// Where artifacts are looked at: that there is none any more, that it is broken, or that its container is not ready in time.
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
                // A task of its own: the container is replaced also where the client that noticed it hangs up, and it lives longer than
                // the thread that answers.
                let model = Arc::clone(self);
                let replacing = artifact.runtime.spawn(async move { model.replace(arrived.at).await });
                let deadline = tokio::time::Instant::from_std(arrived.at + artifact.wait_limit);
                match tokio::time::timeout_at(deadline, replacing).await {
                    Ok(Ok(())) => self.answer(),
                    Ok(Err(error)) => {
                        Err(InvocationError::Internal(format!("replacing a model was broken off: {error}")))
                    }
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

    /// How the artifact stands to what was loaded or tried last.
    async fn artifact_state(&self, artifact: &ModelArtifact) -> ArtifactState {
        let loaded = self.current().version.clone();
        let look = fetch::version(&artifact.url, &artifact.storage);
        match loaded {
            Some(loaded) => ArtifactState::checked(&loaded, look).await,
            None => ArtifactState::checked_where_nothing_was(look).await,
        }
    }

    /// Has somebody look, soon and once, whether the model is still the one that lies there.
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
                    "container {name}: {place} {said}; the model goes on answering as it was loaded (--model-refresh changed \
                     starts another container with what lies there)"
                );
            }
            model.watcher.end(state.change().is_some());
        });
    }

    /// Puts a container with what lies at the artifact's place now in the place of the one that answers, if that has another model;
    /// for a request that arrived then.
    async fn replace(&self, arrived: Instant) {
        let _turn = Arc::clone(&self.replacing).lock_owned().await;
        let Some(artifact) = &self.artifact else { return };
        let state = self.artifact_state(artifact).await;
        if !matches!(state, ArtifactState::Changed | ArtifactState::Deleted) {
            // Another request was first.
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
                        let said = incomplete_artifact(path, &failure.to_string());
                        log::warn!("container {}: {said}", artifact.name_in_log);
                    }
                    return;
                }
                started if is_same => break (before, started),
                // It was replaced meanwhile.
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
                // Nobody receives it where the endpoint stops; its process ends with it then.
                let _ = artifact.replacements.send(Replacement { process, origin, drained });
            }
            Err(StartFailure { failure: failure @ InvocationError::NoSuchModel { .. }, .. }) => {
                log::warn!(
                    "container {name}: {place} was deleted since it was loaded; requests are refused until a model lies there"
                );
                current.problem = Some(failure);
            }
            Err(StartFailure { failure, .. }) => {
                log::warn!(
                    "container {name}: {place} has changed since it was loaded, and cannot be loaded now: {failure}; requests are \
                     refused until it is replaced"
                );
                current.problem = Some(failure);
            }
        }
    }

    /// Whether this version of the artifact was tried, or somebody tried after the request arrived, and it may be half-written still.
    fn is_known_partial(&self, artifact: &ModelArtifact, version: Option<&Version>, arrived: Instant) -> bool {
        let Location::Local(path) = &artifact.url.location else { return false };
        let current = self.current();
        current.partial.as_ref().is_some_and(|found| {
            let is_same = version.is_some() && found.version.as_ref() == version;
            found.begun >= arrived || is_same && was_modified_recently(path)
        })
    }
}

/// Another container, which is healthy.
struct StartedContainer {
    process: ContainerProcess,
    origin: Url,
}

/// Why there is none.
struct StartFailure {
    failure: InvocationError,
    /// Whether what lies there may be a part of what somebody is writing.
    may_be_partial: bool,
}

impl ModelArtifact {
    /// Starts another container with what lies there now.
    async fn start(&self) -> Result<StartedContainer, StartFailure> {
        let (container, url) = (self.container.clone(), self.url.as_written.clone());
        let may_be = |is_half: fn(&Path) -> bool| match &self.url.location {
            Location::Local(path) => is_half(path),
            Location::S3 { .. } => false,
        };
        let broken =
            |message: String| InvocationError::BadArtifact { container: container.clone(), url: url.clone(), message };
        let not_loaded =
            |message: String| StartFailure { failure: broken(message), may_be_partial: may_be(may_become_model) };
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
                        FetchError::BadArtifact(message) => broken(message),
                        FetchError::Unavailable(message) => InvocationError::StoreUnavailable {
                            container: container.clone(),
                            url: url.clone(),
                            message,
                        },
                        other => InvocationError::Internal(format!("{container}: {url}: {other}")),
                    };
                    StartFailure { failure, may_be_partial }
                })?;
                (ModelLocation::BaseDir(&own_folder), Some(own_folder.clone()))
            }
        };
        let mut variables = self.variables.clone();
        // What was a folder may be an archive now.
        variables.retain(|name, _| name != env::SM_MODEL_DIR && name != env::SAGEMAKER_BASE_DIR);
        variables.extend(place.variables());
        let command = ContainerCommand { executable: self.executable.clone(), variables, model_folder: folder };
        let leftover = command.clone();
        match self.start_ready(command).await {
            Ok(started) => Ok(started),
            Err(StartError { problem, logged, .. }) => {
                leftover.delete_model().await;
                let logged = logged.map(|logged| format!(": {logged}")).unwrap_or_default();
                Err(not_loaded(format!("{problem}{logged}")))
            }
        }
    }

    async fn start_ready(&self, command: ContainerCommand) -> Result<StartedContainer, StartError> {
        let (process, origin) = ContainerProcess::start(&self.name_in_log, command, Health::default()).await?;
        let ready = process.until_ready(&self.client, &origin, Serves::OneModel, self.health_check_timeout).await;
        ready.map(|(process, _)| StartedContainer { process, origin })
    }
}

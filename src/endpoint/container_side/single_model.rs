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

use super::exchange::Arrival;
use super::failure::Failure;
use super::half_written::{may_become_a_model, may_become_an_archive, not_whole_yet, was_written_lately};
use super::instance::{Own, Replacement, delete};
use super::model_cache::{Lookout, ModelRefresh, Pace, Respite, Standing, not_looked_at};
use crate::env;
use crate::platform::Health;
use crate::platform::create_model::ModelDataUrl;
use crate::platform::environment::ModelPlace;
use crate::platform::fetch::{self, FetchError};
use crate::platform::process::Process;
use crate::platform::readiness::wait_until_ready;
use crate::storage::{Location, Storage, Version};

/// Where requests are sent. The container that listens there is not stopped before this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) url: Url,
    _in_use: mpsc::Sender<()>,
}

/// Ends when nobody sends requests to a container any more.
pub(super) type Unused = mpsc::Receiver<()>;

impl Served {
    fn at(mut origin: Url) -> (Arc<Served>, Unused) {
        origin.set_path("/invocations");
        let (in_use, unused) = mpsc::channel(1);
        (Arc::new(Served { url: origin, _in_use: in_use }), unused)
    }
}

/// The model of a container.
#[derive(Debug)]
pub(super) struct SingleModel {
    now: Mutex<Now>,
    /// Nothing for a container that somebody else runs: its model is not ours.
    artifact: Option<Artifact>,
    lookout: Lookout,
    /// After a look that came to nothing.
    respite: Respite,
    /// Held by the one who replaces it.
    replacing: Arc<tokio::sync::Mutex<()>>,
}

/// What answers now.
#[derive(Debug)]
struct Now {
    served: Arc<Served>,
    unused: Option<Unused>,
    /// The version of what was loaded, or tried to, last; nothing where there was none.
    version: Option<Version>,
    /// Why that cannot answer.
    problem: Option<Failure>,
    /// What was found in its place since, and is not whole yet.
    half_written: Option<HalfWritten>,
}

/// A content of the artifact's place that could not be loaded and may be a part of one that can, and when it was tried.
#[derive(Debug)]
struct HalfWritten {
    version: Option<Version>,
    begun: Instant,
}

/// Where a container's model comes from, and how another container is started with what lies there.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) container: String,
    pub(super) name_in_log: String,
    pub(super) url: ModelDataUrl,
    pub(super) storage: Arc<Storage>,
    pub(super) refresh: ModelRefresh,
    /// Where a container's process is watched, and who speaks to it there.
    pub(super) runtime: Handle,
    pub(super) client: Client,
    /// How long a request waits.
    pub(super) patience: Duration,
    pub(super) executable: PathBuf,
    /// The variables of the first container but for the place of its model.
    pub(super) variables: BTreeMap<String, String>,
    /// Each further artifact is unpacked in a folder beside this one.
    pub(super) base_dir: PathBuf,
    /// How long a container may take until it is healthy.
    pub(super) allowed: Duration,
    /// Who looks after the container.
    pub(super) care: UnboundedSender<Replacement>,
    pub(super) started: AtomicU64,
}

impl SingleModel {
    /// A container that listens at an origin and whose model is its own affair.
    pub(super) fn fixed(origin: Url) -> SingleModel {
        SingleModel::new(origin, None, None)
    }

    /// A container that was started with this version of an artifact.
    pub(super) fn of(origin: Url, artifact: Artifact, version: Option<Version>) -> SingleModel {
        SingleModel::new(origin, Some(artifact), version)
    }

    fn new(origin: Url, artifact: Option<Artifact>, version: Option<Version>) -> SingleModel {
        let (served, unused) = Served::at(origin);
        let pace = artifact.as_ref().map_or(Pace::FILES, |artifact| Pace::of(&artifact.url.location));
        let now = Mutex::new(Now { served, unused: Some(unused), version, problem: None, half_written: None });
        SingleModel {
            now,
            artifact,
            lookout: Lookout::new(pace),
            respite: Respite::default(),
            replacing: Arc::default(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Changed in one step.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to send a request.
    ///
    /// # Errors
    /// Where artifacts are looked at: that there is none any more, that it is broken, or that its container is not ready in time.
    pub(super) async fn served(self: &Arc<Self>, arrived: Arrival) -> Result<Arc<Served>, Failure> {
        let Some(artifact) = &self.artifact else { return Ok(Arc::clone(&self.now().served)) };
        if artifact.refresh == ModelRefresh::Never {
            self.look_later(artifact);
            return Ok(Arc::clone(&self.now().served));
        }
        if self.respite.lasts() {
            return self.answer();
        }
        match self.standing(artifact).await {
            Standing::Same => self.answer(),
            Standing::Unknown(problem) => {
                log::warn!("request {}: {}", arrived.id, not_looked_at(&artifact.url.place(), &problem));
                self.respite.begin();
                self.answer()
            }
            Standing::Changed | Standing::Gone => {
                // A task of its own: the container is replaced also where the client that noticed it hangs up, and it lives longer than
                // the thread that answers.
                let model = Arc::clone(self);
                let replacing = artifact.runtime.spawn(async move { model.replace(arrived.at).await });
                let deadline = tokio::time::Instant::from_std(arrived.at + artifact.patience);
                match tokio::time::timeout_at(deadline, replacing).await {
                    Ok(Ok(())) => self.answer(),
                    Ok(Err(error)) => Err(Failure::Internal(format!("replacing a model was broken off: {error}"))),
                    Err(_) => Err(Failure::ModelNotReady {
                        target_model: artifact.url.as_written.clone(),
                        waited: artifact.patience,
                    }),
                }
            }
        }
    }

    fn answer(&self) -> Result<Arc<Served>, Failure> {
        let now = self.now();
        now.problem.clone().map_or_else(|| Ok(Arc::clone(&now.served)), Err)
    }

    /// How the artifact stands to what was loaded or tried last.
    async fn standing(&self, artifact: &Artifact) -> Standing {
        let loaded = self.now().version.clone();
        let look = fetch::version(&artifact.url, &artifact.storage);
        match loaded {
            Some(loaded) => Standing::found(&loaded, look).await,
            None => Standing::found_where_nothing_was(look).await,
        }
    }

    /// Has somebody look, soon and once, whether the model is still the one that lies there.
    fn look_later(self: &Arc<Self>, artifact: &Artifact) {
        if self.now().version.is_none() || !self.lookout.begin() {
            return;
        }
        let (model, name, place) = (Arc::clone(self), artifact.name_in_log.clone(), artifact.url.place());
        tokio::spawn(async move {
            model.lookout.pause().await;
            let standing = match &model.artifact {
                Some(artifact) => model.standing(artifact).await,
                None => Standing::Same,
            };
            if let Some(said) = standing.said() {
                log::warn!(
                    "container {name}: {place} {said}; the model goes on answering as it was loaded (--model-refresh changed \
                     starts another container with what lies there)"
                );
            }
            model.lookout.end(standing.said().is_some());
        });
    }

    /// Puts a container with what lies at the artifact's place now in the place of the one that answers, if that has another model;
    /// for a request that arrived then.
    async fn replace(&self, arrived: Instant) {
        let _turn = Arc::clone(&self.replacing).lock_owned().await;
        let Some(artifact) = &self.artifact else { return };
        let standing = self.standing(artifact).await;
        if !matches!(standing, Standing::Changed | Standing::Gone) {
            // Another request was first.
            return;
        }
        let (version, started) = loop {
            let begun = Instant::now();
            let before = fetch::version(&artifact.url, &artifact.storage).await.ok();
            if self.is_known_as_half_written(artifact, before.as_ref(), arrived) {
                return;
            }
            let started = artifact.start().await;
            let is_same = fetch::version(&artifact.url, &artifact.storage).await.ok() == before;
            match started {
                Err(NotStarted { failure, may_be_half_written: true }) => {
                    let version = before.filter(|_| is_same);
                    let known = self.now().half_written.replace(HalfWritten { version, begun });
                    if known.is_none()
                        && let Location::Local(path) = &artifact.url.location
                    {
                        let said = not_whole_yet(path, &failure.to_string());
                        log::warn!("container {}: {said}", artifact.name_in_log);
                    }
                    return;
                }
                started if is_same => break (before, started),
                // It was replaced meanwhile.
                Ok(started) => started.stop().await,
                Err(_) => {}
            }
        };
        let (name, place) = (&artifact.name_in_log, artifact.url.place());
        let mut now = self.now();
        now.version = version;
        now.problem = None;
        now.half_written = None;
        match started {
            Ok(Started { own, origin }) => {
                log::info!(
                    "container {name}: {place} has changed since it was loaded; the container at {origin} answers now"
                );
                let (served, unused) = Served::at(origin.clone());
                now.served = served;
                let unused = now.unused.replace(unused);
                // Nobody receives it where the endpoint stops; its process ends with it then.
                let _ = artifact.care.send(Replacement { own, origin, unused });
            }
            Err(NotStarted { failure: failure @ Failure::NoSuchModel { .. }, .. }) => {
                log::warn!(
                    "container {name}: {place} was deleted since it was loaded; requests are refused until a model lies there"
                );
                now.problem = Some(failure);
            }
            Err(NotStarted { failure, .. }) => {
                log::warn!(
                    "container {name}: {place} has changed since it was loaded, and cannot be loaded now: {failure}; requests are \
                     refused until it is replaced"
                );
                now.problem = Some(failure);
            }
        }
    }

    /// Whether this version of the artifact was tried, or somebody tried after the request arrived, and it may be half-written still.
    fn is_known_as_half_written(&self, artifact: &Artifact, version: Option<&Version>, arrived: Instant) -> bool {
        let Location::Local(path) = &artifact.url.location else { return false };
        let now = self.now();
        now.half_written.as_ref().is_some_and(|found| {
            let is_same = version.is_some() && found.version.as_ref() == version;
            found.begun >= arrived || is_same && was_written_lately(path)
        })
    }
}

/// Another container, which is healthy.
struct Started {
    own: Own,
    origin: Url,
}

/// Why there is none.
struct NotStarted {
    failure: Failure,
    /// Whether what lies there may be a part of what somebody is writing.
    may_be_half_written: bool,
}

impl Started {
    async fn stop(self) {
        self.own.stop().await;
    }
}

impl Artifact {
    /// Starts another container with what lies there now.
    async fn start(&self) -> Result<Started, NotStarted> {
        let (container, url) = (self.container.clone(), self.url.as_written.clone());
        let may_be = |is_half: fn(&Path) -> bool| match &self.url.location {
            Location::Local(path) => is_half(path),
            Location::S3 { .. } => false,
        };
        let broken = |message: String| Failure::BadArtifact { container: container.clone(), url: url.clone(), message };
        let not_loaded =
            |message: String| NotStarted { failure: broken(message), may_be_half_written: may_be(may_become_a_model) };
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let mut own_folder = self.base_dir.clone().into_os_string();
        own_folder.push(format!(".{number}"));
        let own_folder = PathBuf::from(own_folder);
        let (place, folder) = match self.url.folder() {
            Some(folder) => (ModelPlace::At(folder), None),
            None => {
                let fetched = fetch::fetch(&self.url, &self.storage, &own_folder.join("model")).await;
                fetched.map_err(|error| {
                    let may_be_half_written =
                        matches!(error, FetchError::BadArtifact(_)) && may_be(may_become_an_archive);
                    let failure = match error {
                        FetchError::NotThere(_) | FetchError::NotBeside(_) => {
                            Failure::NoSuchModel { container: container.clone(), url: url.clone() }
                        }
                        FetchError::BadArtifact(message) => broken(message),
                        FetchError::Unavailable(message) => {
                            Failure::StoreUnavailable { container: container.clone(), url: url.clone(), message }
                        }
                        other => Failure::Internal(format!("{container}: {url}: {other}")),
                    };
                    NotStarted { failure, may_be_half_written }
                })?;
                (ModelPlace::Below(&own_folder), Some(own_folder.clone()))
            }
        };
        let mut variables = self.variables.clone();
        // What was a folder may be an archive now.
        variables.retain(|name, _| name != env::SM_MODEL_DIR && name != env::SAGEMAKER_BASE_DIR);
        variables.extend(place.variables());
        let end = Health::default();
        let started = Process::start(&self.executable, &self.name_in_log, &variables, &end).await;
        let (process, origin) = started.map_err(&not_loaded)?;
        let started = Started {
            own: Own { executable: self.executable.clone(), variables, process, end: end.clone(), folder },
            origin,
        };
        match wait_until_ready(&self.client, &started.origin, false, &end, self.allowed).await {
            Ok(_) => Ok(started),
            Err(problem) => {
                let Own { process, folder, .. } = started.own;
                let said = process.last_words().await.map(|said| format!(": {said}")).unwrap_or_default();
                delete(folder).await;
                Err(not_loaded(format!("{problem}{said}")))
            }
        }
    }
}

//! A container after its start: pinged, started again when it ends, given up when it stays unhealthy.
//!
//! As the platform does it: a ping every 5 s; a container that does not pass for the allowed time makes the endpoint
//! Failed (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::model_cache::ModelCache;
use super::single_model::Unused;
use crate::env;
use crate::platform::Health;
use crate::platform::process::Process;
use crate::platform::readiness::{ping, wait_until_ready};

/// How long it is between two pings.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The first pause before a container is started again. It doubles until the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A container that ran for so long before it ended is started again after the first pause.
const RAN_WELL: Duration = Duration::from_secs(60);

/// A container that is looked after.
#[derive(Debug)]
pub struct Instance {
    stop: oneshot::Sender<()>,
    care: JoinHandle<()>,
}

impl Instance {
    /// Looks after a container until it is stopped.
    pub(super) fn new(mut care: Care) -> Instance {
        let (stop, mut stopped) = oneshot::channel();
        let care = tokio::spawn(async move {
            tokio::select! {
                _ = &mut stopped => {}
                () = care.look_after() => {}
            }
            if let Some(own) = care.own.take() {
                own.process.stop().await;
            }
        });
        Instance { stop, care }
    }

    /// Ends the care, and the container if it is one of ours, after its requests.
    pub async fn stop(self) {
        // It has ended already where the container is given up.
        let _ = self.stop.send(());
        let _ = self.care.await;
    }
}

/// A container that was started here, and how.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) executable: PathBuf,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) process: Process,
    /// How this process ended, if it has; the container may go on with another.
    pub(super) end: Health,
    /// The folder that its model was unpacked in, which nobody needs after it.
    pub(super) folder: Option<PathBuf>,
}

impl Own {
    /// Lets the process finish its requests and end, and deletes what it alone needed.
    pub(super) async fn stop(self) {
        self.process.stop().await;
        delete(self.folder).await;
    }
}

/// Deletes a folder in which a model was unpacked.
pub(super) async fn delete(folder: Option<PathBuf>) {
    if let Some(folder) = folder {
        // It may be gone already.
        let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    }
}

/// A process that takes the place of the one that a container has.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) own: Own,
    /// Where it listens.
    pub(super) origin: Url,
    /// Ends when no request needs the one before it.
    pub(super) unused: Option<Unused>,
}

/// A container and all that its care takes.
#[derive(Debug)]
pub(super) struct Care {
    pub(super) client: Client,
    pub(super) name: String,
    /// Where it listens, also after it was started again.
    pub(super) origin: Url,
    pub(super) health: Health,
    /// The models that a multi-model container has.
    pub(super) models: Option<ModelCache>,
    /// Nothing for a container that somebody else runs.
    pub(super) own: Option<Own>,
    /// Processes that have another model.
    pub(super) replacements: UnboundedReceiver<Replacement>,
    pub(super) ping_interval: Duration,
    /// How long it may be unhealthy.
    pub(super) allowed: Duration,
    /// What is said of it then.
    pub(super) failure_reason: String,
}

impl Care {
    /// Returns when the container has failed for good.
    async fn look_after(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            if self.is_sick_or_ended().await == Trouble::FailsItsPings {
                break;
            }
            if begun.elapsed() > RAN_WELL {
                pause = FIRST_PAUSE;
            }
            let allowed = self.allowed;
            if tokio::time::timeout(allowed, self.start_again(&mut pause)).await.is_err() {
                break;
            }
        }
        log::error!("container {}: {}", self.name, self.failure_reason);
        self.health.failed(self.failure_reason.clone());
    }

    /// Pings until the process ends, or none was answered well for the allowed time.
    async fn is_sick_or_ended(&mut self) -> Trouble {
        let mut sick: Option<Instant> = None;
        loop {
            tokio::select! {
                () = ended(&mut self.own) => return Trouble::Ended,
                Some(replacement) = self.replacements.recv() => {
                    self.adopt(replacement);
                    sick = None;
                    continue;
                }
                () = tokio::time::sleep(self.ping_interval) => {}
            }
            match ping(&self.client, &self.origin).await {
                Ok(()) => sick = None,
                Err(problem) => {
                    let since = *sick.get_or_insert_with(Instant::now);
                    log::warn!("container {}: {problem}", self.name);
                    if since.elapsed() >= self.allowed {
                        return Trouble::FailsItsPings;
                    }
                }
            }
        }
    }

    /// Goes on with another process. The one before ends with its last request.
    fn adopt(&mut self, Replacement { own, origin, unused }: Replacement) {
        self.origin = origin;
        let Some(mut before) = self.own.replace(own) else { return };
        let health = self.health.clone();
        tokio::spawn(async move {
            if let Some(mut unused) = unused {
                tokio::select! {
                    _ = unused.recv() => {}
                    // Its end is not the container's.
                    () = before.process.ended() => health.recovered(),
                }
            }
            before.stop().await;
        });
    }

    /// Starts the container again, however often it takes, and waits until it is healthy.
    async fn start_again(&mut self, pause: &mut Duration) {
        let Some(Own { executable, mut variables, end, folder, .. }) = self.own.take() else { return };
        self.health.ended(end.how_it_ended().unwrap_or_default());
        if let Some(port) = self.origin.port() {
            // Where it was before, so that nothing else has to know.
            variables.insert(env::SAGEMAKER_BIND_TO_PORT.to_owned(), port.to_string());
        }
        loop {
            log::info!("container {}: starting it again in {pause:?}", self.name);
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            let end = Health::default();
            match self.start(&executable, &variables, &end).await {
                Ok(process) => {
                    self.own = Some(Own { executable, variables, process, end, folder });
                    if let Some(models) = &self.models {
                        models.forget();
                    }
                    self.health.recovered();
                    log::info!("container {}: healthy again", self.name);
                    return;
                }
                Err(problem) => log::error!("container {}: {problem}", self.name),
            }
        }
    }

    async fn start(
        &self,
        executable: &Path,
        variables: &BTreeMap<String, String>,
        end: &Health,
    ) -> Result<Process, String> {
        let (process, _) = Process::start(executable, &self.name, variables, end).await?;
        match wait_until_ready(&self.client, &self.origin, self.models.is_some(), end, self.allowed).await {
            Ok(_) => Ok(process),
            Err(problem) => {
                process.stop().await;
                Err(problem)
            }
        }
    }
}

/// What is wrong with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Ended,
    FailsItsPings,
}

/// Waits for the process to end; for ever for one that is not ours.
async fn ended(own: &mut Option<Own>) {
    match own {
        Some(own) => own.process.ended().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "instance_test.rs"]
mod tests;

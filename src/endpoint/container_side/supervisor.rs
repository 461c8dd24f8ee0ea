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
use super::single_model::Drained;
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
pub struct Supervisor {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Looks after a container until it is stopped.
    pub(super) fn new(mut config: SupervisorConfig) -> Supervisor {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = &mut stopped => {}
                () = config.supervise() => {}
            }
            if let Some(process) = config.process.take() {
                process.process.stop().await;
            }
        });
        Supervisor { stop, task }
    }

    /// Ends the care, and the container if it is one of ours, after its requests.
    pub async fn stop(self) {
        // It has ended already where the container is given up.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// A container that was started here, and how.
#[derive(Debug)]
pub(super) struct ContainerProcess {
    pub(super) executable: PathBuf,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) process: Process,
    /// How this process ended, if it has; the container may go on with another.
    pub(super) end: Health,
    /// The folder that its model was unpacked in, which nobody needs after it.
    pub(super) folder: Option<PathBuf>,
}

impl ContainerProcess {
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
    pub(super) process: ContainerProcess,
    /// Where it listens.
    pub(super) origin: Url,
    /// Ends when no request needs the one before it.
    pub(super) drained: Option<Drained>,
}

/// A container and all that its care takes.
#[derive(Debug)]
pub(super) struct SupervisorConfig {
    pub(super) client: Client,
    pub(super) name: String,
    /// Where it listens, also after it was started again.
    pub(super) origin: Url,
    pub(super) health: Health,
    /// The models that a multi-model container has.
    pub(super) models: Option<ModelCache>,
    /// Nothing for a container that somebody else runs.
    pub(super) process: Option<ContainerProcess>,
    /// Processes that have another model.
    pub(super) replacements: UnboundedReceiver<Replacement>,
    pub(super) ping_interval: Duration,
    /// How long it may be unhealthy.
    pub(super) health_check_timeout: Duration,
    /// What is said of it then.
    pub(super) failure_reason: String,
}

impl SupervisorConfig {
    /// Returns when the container has failed for good.
    async fn supervise(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            if self.wait_for_outage().await == Outage::FailedPings {
                break;
            }
            if begun.elapsed() > RAN_WELL {
                pause = FIRST_PAUSE;
            }
            let health_check_timeout = self.health_check_timeout;
            if tokio::time::timeout(health_check_timeout, self.restart(&mut pause)).await.is_err() {
                break;
            }
        }
        log::error!("container {}: {}", self.name, self.failure_reason);
        self.health.mark_failed(self.failure_reason.clone());
    }

    /// Pings until the process ends, or none was answered well for the allowed time.
    async fn wait_for_outage(&mut self) -> Outage {
        let mut unhealthy_since: Option<Instant> = None;
        loop {
            tokio::select! {
                () = wait_for_exit(&mut self.process) => return Outage::Ended,
                Some(replacement) = self.replacements.recv() => {
                    self.replace_process(replacement);
                    unhealthy_since = None;
                    continue;
                }
                () = tokio::time::sleep(self.ping_interval) => {}
            }
            match ping(&self.client, &self.origin).await {
                Ok(()) => unhealthy_since = None,
                Err(problem) => {
                    let since = *unhealthy_since.get_or_insert_with(Instant::now);
                    log::warn!("container {}: {problem}", self.name);
                    if since.elapsed() >= self.health_check_timeout {
                        return Outage::FailedPings;
                    }
                }
            }
        }
    }

    /// Goes on with another process. The one before ends with its last request.
    fn replace_process(&mut self, Replacement { process, origin, drained }: Replacement) {
        self.origin = origin;
        let Some(mut before) = self.process.replace(process) else { return };
        let health = self.health.clone();
        tokio::spawn(async move {
            if let Some(mut drained) = drained {
                tokio::select! {
                    _ = drained.recv() => {}
                    // Its end is not the container's.
                    () = before.process.wait_for_exit() => health.mark_running(),
                }
            }
            before.stop().await;
        });
    }

    /// Starts the container again, however often it takes, and waits until it is healthy.
    async fn restart(&mut self, pause: &mut Duration) {
        let Some(ContainerProcess { executable, mut variables, end, folder, .. }) = self.process.take() else { return };
        self.health.mark_exited(end.exit_description().unwrap_or_default());
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
                    self.process = Some(ContainerProcess { executable, variables, process, end, folder });
                    if let Some(models) = &self.models {
                        models.clear();
                    }
                    self.health.mark_running();
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
        match wait_until_ready(&self.client, &self.origin, self.models.is_some(), end, self.health_check_timeout).await
        {
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
enum Outage {
    Ended,
    FailedPings,
}

/// Waits for the process to end; for ever for one that is not ours.
async fn wait_for_exit(process: &mut Option<ContainerProcess>) {
    match process {
        Some(process) => process.process.wait_for_exit().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "supervisor_test.rs"]
mod tests;

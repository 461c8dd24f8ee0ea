//! One container of a job.

use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::{Client, Url};
use tokio::sync::Mutex;

use super::LaunchSettings;
use crate::error::{Cause, Error, Result};
use crate::platform::create_model::{ContainerConfig, Models};
use crate::platform::environment::ModelLocation;
use crate::platform::fetch;
use crate::supervisor::{ContainerCommand, HostingMode, RestartPort, StartError, Supervisor, SupervisorConfig};

/// How long to wait for a line of a container's log.
const LOG_DELAY: Duration = Duration::from_millis(50);

/// A container.
#[derive(Debug)]
pub(super) struct JobContainer {
    name: String,
    /// The address at which it listens; it changes with a restart.
    origin: RwLock<Url>,
    /// Empty once it is stopped.
    supervisor: Mutex<Option<Supervisor>>,
}

impl JobContainer {
    /// A container that was started by others.
    pub(super) async fn running(client: &Client, url: &Url, launch: &LaunchSettings) -> Result<JobContainer> {
        let name = format!("at {url}").trim_end_matches('/').to_owned();
        let supervisor = Supervisor::external(supervision(client, &name, launch), url.clone());
        let container = JobContainer::new(name, supervisor);
        container.ensure_healthy().await?;
        Ok(container)
    }

    /// Starts a container; its artifact is unpacked below `unpacked` if it is an archive.
    pub(super) async fn start(
        client: &Client,
        container: ContainerConfig,
        position: usize,
        launch: &LaunchSettings,
        unpacked: &Path,
    ) -> Result<JobContainer> {
        let base_dir = unpacked.join(&container.name);
        let place = match &container.models {
            Models::Single(Some(url)) => match url.folder() {
                Some(folder) => ModelLocation::ModelDir(folder),
                None => {
                    let fetched = fetch::fetch(url, &launch.storage, &base_dir.join("model")).await;
                    fetched.map_err(|error| {
                        error.into_error().context(format_args!(
                            "container {}: {}",
                            container.name,
                            url.display_member()
                        ))
                    })?;
                    ModelLocation::BaseDir(&base_dir)
                }
            },
            Models::Single(None) | Models::Multi { .. } => ModelLocation::BaseDir(&base_dir),
        };
        let variables = launch.environment.variables(&container, position, place);
        let name = container.name_in_errors;
        let command = ContainerCommand { executable: launch.executable.clone(), variables, model_folder: None };
        let started = Supervisor::start(supervision(client, &name, launch), command).await;
        let (supervisor, took) = started.map_err(|error| not_healthy(&name, error))?;
        log_healthy(&name, took);
        Ok(JobContainer::new(name, supervisor))
    }

    fn new(name: String, supervisor: Supervisor) -> JobContainer {
        let origin = RwLock::new(supervisor.origin().clone());
        JobContainer { name, origin, supervisor: Mutex::new(Some(supervisor)) }
    }

    /// The container's name in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of a path of the container.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.origin.read().unwrap_or_else(PoisonError::into_inner).clone();
        url.set_path(path);
        url
    }

    /// Makes sure that the container is healthy after an error: restarts it if it has exited, and waits.
    ///
    /// # Errors
    /// [`Cause::NotHealthy`] if it does not become healthy, which ends the job; [`Cause::BadSetting`] if it refuses its
    /// settings.
    pub(super) async fn ensure_healthy(&self) -> Result<()> {
        let mut supervisor = self.supervisor.lock().await;
        let Some(supervisor) = supervisor.as_mut() else { return Ok(()) };
        let waited = supervisor.ensure_healthy().await;
        *self.origin.write().unwrap_or_else(PoisonError::into_inner) = supervisor.origin().clone();
        if let Some(took) = waited.map_err(|error| not_healthy(&self.name, error))? {
            log_healthy(&self.name, took);
        }
        Ok(())
    }

    /// How its process exited, if this job started it and it has exited.
    pub(super) async fn exit_description(&self) -> Option<String> {
        self.supervisor.try_lock().ok()?.as_ref()?.exit_description()
    }

    /// The last error in its log, if this job reads its log; each is returned once.
    pub(super) async fn last_error(&self) -> Option<String> {
        // Its last log line may arrive a moment after it broke off a response.
        tokio::time::sleep(LOG_DELAY).await;
        self.supervisor.try_lock().ok()?.as_ref()?.take_last_error()
    }

    /// Stops it after its requests have finished, if this job started it.
    pub(super) async fn stop(&self) {
        if let Some(supervisor) = self.supervisor.lock().await.take() {
            supervisor.stop().await;
        }
    }
}

fn supervision(client: &Client, name: &str, launch: &LaunchSettings) -> SupervisorConfig {
    SupervisorConfig {
        client: client.clone(),
        name: name.to_owned(),
        mode: HostingMode::SingleModel,
        health_check_timeout: launch.health_check_timeout,
        restart_port: RestartPort::Any,
    }
}

fn log_healthy(name: &str, took: Duration) {
    log::info!("container {name}: ping ok after {:.0} ms", took.as_secs_f64() * 1e3);
}

/// SageMaker's own message for a container that does not pass its health check.
fn not_healthy(name: &str, StartError { problem, exit_code, .. }: StartError) -> Error {
    let message = format!(
        "container {name}: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and \
         responds with an HTTP 200 status code"
    );
    // A byoc container exits with this code if it refuses its settings; a retry cannot help.
    let is_setting = exit_code == Some(i32::from(Cause::BadSetting.row().exit_code));
    Error::new(if is_setting { Cause::BadSetting } else { Cause::NotHealthy }, message).caused_by(problem)
}

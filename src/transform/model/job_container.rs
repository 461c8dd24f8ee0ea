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
use crate::supervisor::{ContainerCommand, RestartPort, Serves, StartError, Supervisor, SupervisorConfig};

/// How long a line of a container's log may be on its way.
const LOG_DELAY: Duration = Duration::from_millis(50);

/// A container.
#[derive(Debug)]
pub(super) struct JobContainer {
    name: String,
    /// Where it listens; after it was started again, elsewhere.
    origin: RwLock<Url>,
    /// Empty once it is stopped.
    supervisor: Mutex<Option<Supervisor>>,
}

impl JobContainer {
    /// A container that somebody else runs.
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

    /// The container as messages name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it answers to a path.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.origin.read().unwrap_or_else(PoisonError::into_inner).clone();
        url.set_path(path);
        url
    }

    /// Makes sure that the container is healthy after something went wrong: starts it again if it has ended, and waits.
    ///
    /// # Errors
    /// [`Cause::NotHealthy`] when it does not become healthy, after which nothing more can be done; [`Cause::BadSetting`] when
    /// it refuses its settings.
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

    /// How its process ended, if it is ours and has.
    pub(super) async fn exit_description(&self) -> Option<String> {
        self.supervisor.try_lock().ok()?.as_ref()?.exit_description()
    }

    /// The last error that its log had, if its log is ours; each is returned once.
    pub(super) async fn last_error(&self) -> Option<String> {
        // What it said before it broke off an answer may come a moment after that.
        tokio::time::sleep(LOG_DELAY).await;
        self.supervisor.try_lock().ok()?.as_ref()?.take_last_error()
    }

    /// Ends it after its requests, if it is ours.
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
        serves: Serves::OneModel,
        health_check_timeout: launch.health_check_timeout,
        restart_port: RestartPort::Any,
    }
}

fn log_healthy(name: &str, took: Duration) {
    log::info!("container {name}: ping ok after {:.0} ms", took.as_secs_f64() * 1e3);
}

/// The service's own words for a container that does not pass its health check.
fn not_healthy(name: &str, StartError { problem, exit_code, .. }: StartError) -> Error {
    let message = format!(
        "container {name}: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and responds \
         with an HTTP 200 status code: {problem}"
    );
    // A container of this program that refuses its settings exits so; no other try helps, and no other machine.
    let is_setting = exit_code == Some(i32::from(Cause::BadSetting.row().exit_code));
    Error::new(if is_setting { Cause::BadSetting } else { Cause::NotHealthy }, message)
}

//! One container of a job.

use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::{Client, Url};
use tokio::sync::Mutex;

use super::LaunchSettings;
use crate::error::{Cause, Error, Result};
use crate::platform::Health;
use crate::platform::create_model::{ContainerConfig, Models};
use crate::platform::environment::ModelLocation;
use crate::platform::fetch;
use crate::platform::process::Process;
use crate::platform::readiness::{ping, wait_until_ready};

/// How long a line of a container's log may be on its way.
const LOG_DELAY: Duration = Duration::from_millis(50);

/// A container.
#[derive(Debug)]
pub(super) struct JobContainer {
    name: String,
    /// Where it listens; after it was started again, elsewhere.
    origin: RwLock<Url>,
    /// Nothing for one that runs already.
    own: Option<Own>,
    launch: LaunchSettings,
}

#[derive(Debug)]
struct Own {
    variables: std::collections::BTreeMap<String, String>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    process: Process,
    health: Health,
}

impl JobContainer {
    /// A container that somebody else runs.
    pub(super) async fn running(client: &Client, url: &Url, launch: &LaunchSettings) -> Result<JobContainer> {
        let stage = JobContainer {
            name: format!("at {url}").trim_end_matches('/').to_owned(),
            origin: RwLock::new(url.clone()),
            own: None,
            launch: launch.clone(),
        };
        stage.make_healthy(client).await?;
        Ok(stage)
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
        let stage = JobContainer {
            name: container.name_in_errors,
            origin: RwLock::new(placeholder_origin()?),
            own: Some(Own { variables, running: Mutex::new(None) }),
            launch: launch.clone(),
        };
        stage.make_healthy(client).await?;
        Ok(stage)
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

    /// Sees to it that the container is healthy after something went wrong: starts it again if it has ended, and waits.
    ///
    /// # Errors
    /// [`Cause::NotHealthy`]: it does not become so, and nothing more can be done.
    pub(super) async fn make_healthy(&self, client: &Client) -> Result<()> {
        let Some(own) = &self.own else {
            if ping(client, &self.url("/")).await.is_ok() {
                return Ok(());
            }
            let limit = self.launch.health_check_timeout.as_secs();
            log::warn!("container {}: waiting for {}, up to {limit} s", self.name, self.url("/ping"));
            return self.wait_until_healthy(client, &Health::default()).await;
        };
        let mut running = own.running.lock().await;
        if let Some(still) = running.as_ref() {
            let has_ended = still.health.exit_description().is_some();
            if !has_ended && ping(client, &self.url("/")).await.is_ok() {
                return Ok(());
            }
            // Hung or ended: what is left of it must not answer for the next one.
            if let Some(old) = running.take() {
                log::warn!("container {}: starting it again", self.name);
                old.process.stop().await;
            }
        }
        let health = Health::default();
        let executable = &self.launch.executable;
        let started = Process::start(executable, &self.name, &own.variables, &health).await;
        let (process, origin) = started.map_err(|problem| self.not_healthy(&problem, &health))?;
        *self.origin.write().unwrap_or_else(PoisonError::into_inner) = origin;
        if let Err(error) = self.wait_until_healthy(client, &health).await {
            process.stop().await;
            return Err(error);
        }
        *running = Some(Running { process, health });
        Ok(())
    }

    async fn wait_until_healthy(&self, client: &Client, health: &Health) -> Result<()> {
        let limit = self.launch.health_check_timeout;
        let took = wait_until_ready(client, &self.url("/"), false, health, limit).await;
        let took = took.map_err(|problem| self.not_healthy(&problem, health))?;
        log::info!("container {}: ping ok after {:.0} ms", self.name, took.as_secs_f64() * 1e3);
        Ok(())
    }

    /// The service's own words for a container that does not pass its health check.
    fn not_healthy(&self, problem: &str, health: &Health) -> Error {
        let message = format!(
            "container {}: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and \
             responds with an HTTP 200 status code: {problem}",
            self.name
        );
        // A container of this program that refuses its settings exits so; no other try helps, and no other machine.
        let is_setting = health.exit_code() == Some(i32::from(Cause::BadSetting.row().exit_code));
        Error::new(if is_setting { Cause::BadSetting } else { Cause::NotHealthy }, message)
    }

    /// How its process ended, if it is ours and has.
    pub(super) async fn exit_description(&self) -> Option<String> {
        let running = self.own.as_ref()?.running.try_lock().ok()?;
        running.as_ref()?.health.exit_description()
    }

    /// The last error that its log had, if its log is ours; said once.
    pub(super) async fn last_error(&self) -> Option<String> {
        let own = self.own.as_ref()?;
        // What it said before it broke off an answer may come a moment after that.
        tokio::time::sleep(LOG_DELAY).await;
        let running = own.running.try_lock().ok()?;
        running.as_ref()?.process.take_last_error()
    }

    /// Ends it after its requests, if it is ours.
    pub(super) async fn stop(&self) {
        let Some(own) = &self.own else { return };
        if let Some(running) = own.running.lock().await.take() {
            running.process.stop().await;
        }
    }
}

/// Where a container listens before it says it.
fn placeholder_origin() -> Result<Url> {
    Url::parse("http://127.0.0.1:1/").map_err(|error| {
        Error::new(Cause::Internal, "the address of a container that has not started").caused_by(error)
    })
}

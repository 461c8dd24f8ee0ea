//! Starts the containers of a configuration: unpacks models, starts processes and waits until they are healthy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::future::join_all;
use reqwest::{Client, Url};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::container::Container;
use super::model_cache::{CacheSettings, ModelCache};
use super::model_store::{ModelFolder, ModelStore};
use super::pipeline::Pipeline;
use super::settings::ContainerSettings;
use super::single_model::{ModelArtifact, SingleModel};
use crate::error::{Cause, Error, Reason, Result};
use crate::platform::create_model::{ContainerConfig, ExecutionMode, ModelDataUrl, ModelForm, Models};
use crate::platform::environment::ModelLocation;
use crate::platform::fetch;
use crate::platform::problems::{combine, list_problems};
use crate::storage::{Location, Version, missing_path_message};
use crate::supervisor::readiness::wait_until_ready;
use crate::supervisor::{
    BackgroundConfig, BackgroundSupervisor, ContainerCommand, ContainerProcess, Health, HostingMode, PING_INTERVAL,
    Replacement, RestartPort, Supervisor, SupervisorConfig,
};
use byoc_formats::error::chain;

/// Starts containers.
#[derive(Debug)]
pub struct ContainerLauncher {
    /// The executable that runs a container when called with `serve`.
    pub executable: PathBuf,
    /// Containers that are already running: name and address.
    pub running: BTreeMap<String, Url>,
    /// The state folder; models are unpacked in `models` below it.
    pub state_dir: PathBuf,
    /// The path of that `models` folder in a multi-model container that is already running; the same path if `None`.
    pub models_seen_at: Option<String>,
    /// The settings that all containers share.
    pub container_settings: ContainerSettings,
    /// The variant of the containers.
    pub variant: String,
    /// The prefix of container names in the log, which distinguishes variants and endpoints.
    pub log_prefix: String,
}

/// Containers that passed their health checks, with their supervisors.
#[derive(Debug)]
pub struct RunningPipeline {
    /// The containers in order.
    pub pipeline: Pipeline,
    /// Their supervisors.
    pub instances: Vec<BackgroundSupervisor>,
}

/// A process that was just started, its address, and the version of its model's artifact.
struct StartedProcess {
    process: ContainerProcess,
    origin: Url,
    version: Option<Version>,
}

impl ContainerLauncher {
    /// Checks for problems that would keep these containers from starting.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with a line for each problem.
    pub fn check(&self, containers: &[ContainerConfig]) -> Result<()> {
        let mut problems = Vec::new();
        for container in containers {
            let problem = match &container.models {
                // A container that is already running has its model.
                Models::Single(_) if self.running.contains_key(&container.name) => None,
                Models::Single(None) => Some(
                    "ModelDataUrl is missing; give one, or a ModelDataSource, or --container NAME=URL for one that \
                     runs already"
                        .to_owned(),
                ),
                Models::Single(Some(url)) => match (url.form, &url.location) {
                    (ModelForm::Archive, Location::S3 { key, .. }) if key.is_empty() => {
                        Some(format!("{} names a bucket and no object in it", url.display_member()))
                    }
                    (ModelForm::Archive, _) => self.location_problem(url, "is not there", Path::exists),
                    (ModelForm::Files, _) => self.location_problem(url, "is not a folder", Path::is_dir),
                    (ModelForm::File, _) => self.location_problem(url, "is not a file", Path::is_file),
                },
                Models::Multi { prefix, .. } => self.location_problem(prefix, "is not a folder", Path::is_dir),
            };
            problems.extend(problem.map(|problem| format!("container {}: {problem}", container.name)));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Cause::BadSetting, list_problems(&problems))) }
    }

    /// Why the location of a ModelDataUrl cannot be read, as far as that is known without reading it.
    fn location_problem(&self, url: &ModelDataUrl, otherwise: &str, is_good: impl Fn(&Path) -> bool) -> Option<String> {
        match &url.location {
            Location::Local(path) if is_good(path) => None,
            Location::Local(path) if !path.exists() => {
                Some(format!("{}: {}", url.display_member(), missing_path_message(path)))
            }
            Location::Local(_) => {
                let location = url.display_location();
                let location = if location == url.as_written { String::new() } else { format!(" ({location})") };
                Some(format!("{}{location} {otherwise}", url.display_member()))
            }
            Location::S3 { .. } => ModelStore::open(url, &self.container_settings.storage)
                .err()
                .map(|error| format!("ModelDataUrl: {}", chain(&error))),
        }
    }

    /// Starts all containers concurrently.
    ///
    /// # Errors
    /// A line for each container that could not be started or did not become healthy; the others are stopped.
    pub async fn start(
        &self,
        client: &Client,
        containers: &[ContainerConfig],
        mode: ExecutionMode,
    ) -> Result<RunningPipeline> {
        let all = containers.iter().enumerate().map(|(position, config)| self.start_one(client, config, position));
        let mut instances = Vec::new();
        let mut healthy = Vec::new();
        let mut problems = Vec::new();
        for outcome in join_all(all).await {
            match outcome {
                Ok((container, instance)) => {
                    healthy.push(container);
                    instances.push(instance);
                }
                Err(error) => problems.push(error),
            }
        }
        let pipeline = match mode {
            ExecutionMode::Serial => Pipeline::new(healthy),
            ExecutionMode::Direct => Pipeline::direct(healthy),
        };
        match (pipeline, combine(problems)) {
            (Some(pipeline), None) => Ok(RunningPipeline { pipeline, instances }),
            (_, error) => {
                stop_all(instances).await;
                Err(error.unwrap_or_else(|| Error::new(Cause::BadSetting, "there are no containers")))
            }
        }
    }

    async fn start_one(
        &self,
        client: &Client,
        config: &ContainerConfig,
        position: usize,
    ) -> Result<(Container, BackgroundSupervisor)> {
        let outcome = self.try_start(client, config, position).await;
        if let Err(error) = &outcome {
            log::error!("{}", chain(error));
        }
        outcome
    }

    async fn try_start(
        &self,
        client: &Client,
        config: &ContainerConfig,
        position: usize,
    ) -> Result<(Container, BackgroundSupervisor)> {
        let health = Health::default();
        let (replacements_sender, replacements) = mpsc::unbounded_channel();
        let (process, origin, model) = match self.running.get(&config.name) {
            Some(origin) => (None, origin.clone(), SingleModel::external(origin.clone())),
            None => {
                let StartedProcess { process, origin, version } = self.start_process(config, position, &health).await?;
                let artifact = self.artifact(client, config, &process, replacements_sender);
                let model = match artifact {
                    Some(artifact) => SingleModel::with_artifact(origin.clone(), artifact, version),
                    None => SingleModel::external(origin.clone()),
                };
                (Some(process), origin, model)
            }
        };
        let made = self.make_ready(client, config, origin.clone(), model, health.clone()).await;
        match made {
            Ok((container, models)) => {
                let supervision = SupervisorConfig {
                    client: client.clone(),
                    name: self.name_in_log(config),
                    mode: mode(config),
                    health_check_timeout: self.container_settings.health_check_timeout,
                    restart_port: RestartPort::Same,
                };
                let supervisor = match process {
                    Some(process) => Supervisor::running(supervision, origin, process),
                    None => Supervisor::external(supervision, origin),
                };
                let background = BackgroundConfig {
                    health,
                    replacements,
                    ping_interval: PING_INTERVAL,
                    failure_reason: format!(
                        "{}. Please check CloudWatch logs for this endpoint.",
                        self.failed_health_check(config)
                    ),
                    on_restart: Box::new(move || {
                        if let Some(models) = &models {
                            models.clear();
                        }
                    }),
                };
                Ok((container, BackgroundSupervisor::spawn(supervisor, background)))
            }
            Err(error) => {
                if let Some(process) = process {
                    process.stop_and_delete_model().await;
                }
                Err(error)
            }
        }
    }

    /// The folder of a container's own files.
    fn base_dir(&self, config: &ContainerConfig) -> PathBuf {
        self.state_dir.join("containers").join(&config.name)
    }

    /// How a container is restarted when its model is replaced. `None` for a multi-model container.
    fn artifact(
        &self,
        client: &Client,
        config: &ContainerConfig,
        process: &ContainerProcess,
        replacements: UnboundedSender<Replacement>,
    ) -> Option<ModelArtifact> {
        let Models::Single(Some(url)) = &config.models else { return None };
        Some(ModelArtifact {
            container: config.name_in_errors.clone(),
            name_in_log: self.name_in_log(config),
            url: url.clone(),
            storage: Arc::clone(&self.container_settings.storage),
            refresh: self.container_settings.cache.refresh,
            runtime: Handle::current(),
            client: client.clone(),
            wait_limit: self.container_settings.cache.model_ready_timeout,
            executable: process.command().executable.clone(),
            variables: process.command().variables.clone(),
            base_dir: self.base_dir(config),
            health_check_timeout: self.container_settings.health_check_timeout,
            replacements,
            started: AtomicU64::new(1),
        })
    }

    async fn start_process(
        &self,
        config: &ContainerConfig,
        position: usize,
        health: &Health,
    ) -> Result<StartedProcess> {
        let base_dir = self.base_dir(config);
        let models = ModelFolder::path_in(&self.state_dir);
        let mut folder = None;
        let (place, version) = match &config.models {
            Models::Multi { .. } => {
                // The container warns if the folder does not exist.
                std::fs::create_dir_all(&models).map_err(|error| Error::io("create the folder", &models, error))?;
                (ModelLocation::ModelsRoot(&models), None)
            }
            Models::Single(None) => (ModelLocation::BaseDir(&base_dir), None),
            Models::Single(Some(url)) => match url.folder() {
                Some(folder) => {
                    // The version is read before the artifact itself.
                    let version = fetch::version(url, &self.container_settings.storage).await;
                    (ModelLocation::ModelDir(folder), version.ok())
                }
                None => {
                    let model = base_dir.join("model");
                    let version = self.unpack(config, url, &model).await?;
                    folder = Some(model);
                    (ModelLocation::BaseDir(&base_dir), Some(version))
                }
            },
        };
        let variables = self.container_settings.environment.variables(config, position, place);
        let command = ContainerCommand { executable: self.executable.clone(), variables, model_folder: folder };
        let started = ContainerProcess::start(&self.name_in_log(config), command, health.clone()).await;
        let (process, origin) = started.map_err(|error| self.not_healthy(config, error.problem))?;
        log::info!("container {}: started, listens on {origin}", self.name_in_log(config));
        Ok(StartedProcess { process, origin, version })
    }

    async fn unpack(&self, config: &ContainerConfig, url: &ModelDataUrl, into: &Path) -> Result<Version> {
        let fetched = fetch::fetch(url, &self.container_settings.storage, into).await.map(|fetched| fetched.version);
        fetched.map_err(|error| {
            error.into_error().within(format_args!("container {}: {}", config.name, url.display_member()))
        })
    }

    async fn make_ready(
        &self,
        client: &Client,
        config: &ContainerConfig,
        origin: Url,
        model: SingleModel,
        health: Health,
    ) -> Result<(Container, Option<ModelCache>)> {
        let limit = self.container_settings.health_check_timeout;
        let took = wait_until_ready(client, &origin, mode(config), &health, limit).await;
        let took = took.map_err(|problem| self.not_healthy(config, problem))?;
        log::info!("container {}: ping ok after {:.0} ms", self.name_in_log(config), took.as_secs_f64() * 1e3);
        let name = &config.name_in_errors;
        Ok(match &config.models {
            Models::Single(_) => (Container::with_model(name, model, health), None),
            Models::Multi { prefix, cache } => {
                let store = ModelStore::open(prefix, &self.container_settings.storage)?;
                let mut folder = ModelFolder::open_deleting_leftovers(&self.state_dir)?;
                if let Some(place) = self.models_seen_at.as_deref().filter(|_| self.running.contains_key(&config.name))
                {
                    folder = folder.mounted_at(place);
                }
                let settings = CacheSettings { setting: *cache, ..self.container_settings.cache };
                let models = ModelCache::with_settings(name, origin, store, folder, settings);
                (Container::multi_model(name, models.clone(), health), Some(models))
            }
        })
    }

    fn name_in_log(&self, config: &ContainerConfig) -> String {
        format!("{}{}", self.log_prefix, config.name)
    }

    fn not_healthy(&self, config: &ContainerConfig, problem: Reason) -> Error {
        Error::new(Cause::NotHealthy, self.failed_health_check(config)).caused_by(problem)
    }

    /// The start of DescribeEndpoint's FailureReason, for a single container and for one of a pipeline
    /// (amazon-sagemaker-examples#1072).
    fn failed_health_check(&self, config: &ContainerConfig) -> String {
        let name = match config.name_in_errors.as_str() {
            "primary" => "primary container",
            other => other,
        };
        format!("The {name} for production variant {} did not pass the ping health check", self.variant)
    }
}

fn mode(config: &ContainerConfig) -> HostingMode {
    match config.models {
        Models::Single(_) => HostingMode::SingleModel,
        Models::Multi { .. } => HostingMode::MultiModel,
    }
}

/// Stops all containers concurrently.
pub async fn stop_all(supervisors: Vec<BackgroundSupervisor>) {
    join_all(supervisors.into_iter().map(BackgroundSupervisor::stop)).await;
}

#[cfg(test)]
#[path = "launcher_test.rs"]
mod tests;

//! From configuration to running containers: unpack, start, wait for health.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use reqwest::{Client, Url};

use super::container::{Container, Health};
use super::environment::{ModelPlace, Surroundings};
use super::model_cache::ModelCache;
use super::model_store::{ModelFolder, ModelStore, unpack_model};
use super::pipeline::Pipeline;
use super::process::Process;
use super::readiness::wait_until_ready;
use crate::endpoint::config::{ContainerConfig, ModelDataUrl, Models};
use crate::endpoint::identity::VARIANT;
use crate::endpoint::problems::listed;
use crate::error::{Cause, Error, Result};

/// What containers are started with.
#[derive(Debug)]
pub struct Starter {
    /// The program that is a container when called with `serve`.
    pub executable: PathBuf,
    /// Containers that run already, by name, and where they listen.
    pub running: BTreeMap<String, Url>,
    /// Where models are unpacked. A multi-model container that runs already must see this folder under the same path.
    pub state_dir: PathBuf,
    /// What is the same for all containers.
    pub surroundings: Surroundings,
}

/// Containers that passed their health checks, and the processes behind them.
#[derive(Debug)]
pub struct Started {
    /// The containers in order.
    pub pipeline: Pipeline,
    /// The processes of those that were started here.
    pub processes: Vec<Process>,
}

/// A container on its way, and its process if it has one of ours.
struct Outcome {
    process: Option<Process>,
    container: Result<Container>,
}

impl Starter {
    /// Says all that would keep these containers from starting and can be known before.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with a line for each thing.
    pub fn check(&self, containers: &[ContainerConfig]) -> Result<()> {
        let mut problems = Vec::new();
        for name in self.running.keys().filter(|name| !containers.iter().any(|one| one.name == **name)) {
            let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
            problems.push(format!("--container {name}: there is no such container, only {}", names.join(", ")));
        }
        for container in containers {
            let problem = match &container.models {
                Models::Single(None) => None,
                // A container that runs already has its model.
                Models::Single(Some(_)) if self.running.contains_key(&container.name) => None,
                Models::Single(Some(url)) if url.path.exists() => None,
                Models::Single(Some(url)) => Some(format!("{} does not exist", described(url))),
                Models::Multi(prefix) if prefix.path.is_dir() => None,
                Models::Multi(prefix) => Some(format!("{} is not a folder", described(prefix))),
            };
            problems.extend(problem.map(|problem| format!("container {}: {problem}", container.name)));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Cause::BadSetting, listed(&problems))) }
    }

    /// Starts all containers side by side.
    ///
    /// # Errors
    /// A line for each container that could not be started or did not become healthy; the others are stopped again.
    pub async fn start(&self, client: &Client, containers: &[ContainerConfig]) -> Result<Started> {
        let all = containers.iter().enumerate().map(|(position, config)| self.start_one(client, config, position));
        let mut processes = Vec::new();
        let mut healthy = Vec::new();
        let mut problems = Vec::new();
        for outcome in join_all(all).await {
            processes.extend(outcome.process);
            match outcome.container {
                Ok(container) => healthy.push(container),
                Err(error) => problems.push(error),
            }
        }
        match (Pipeline::new(healthy), problems.first().map(Error::cause)) {
            (Some(pipeline), None) => Ok(Started { pipeline, processes }),
            (_, cause) => {
                stop_all(processes).await;
                let lines: Vec<String> = problems.iter().map(Error::to_string).collect();
                Err(Error::new(cause.unwrap_or(Cause::BadSetting), listed(&lines)))
            }
        }
    }

    async fn start_one(&self, client: &Client, config: &ContainerConfig, position: usize) -> Outcome {
        let health = Health::default();
        let (process, origin) = match self.running.get(&config.name) {
            Some(origin) => (None, Ok(origin.clone())),
            None => match self.start_process(config, position, &health).await {
                Ok((process, origin)) => (Some(process), Ok(origin)),
                Err(error) => (None, Err(error)),
            },
        };
        let container = match origin {
            Ok(origin) => self.make_ready(client, config, origin, health).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &container {
            log::error!("{error}");
        }
        Outcome { process, container }
    }

    async fn start_process(
        &self,
        config: &ContainerConfig,
        position: usize,
        health: &Health,
    ) -> Result<(Process, Url)> {
        let base_dir = self.state_dir.join("containers").join(&config.name);
        let place = match &config.models {
            Models::Multi(_) => ModelPlace::Told,
            Models::Single(None) => ModelPlace::Below(&base_dir),
            Models::Single(Some(url)) if url.path.is_dir() => ModelPlace::At(&url.path),
            Models::Single(Some(url)) => {
                self.unpack(config, url, &base_dir.join("model")).await?;
                ModelPlace::Below(&base_dir)
            }
        };
        let variables = self.surroundings.variables(config, position, place);
        let started = Process::start(&self.executable, &config.name, &variables, health).await;
        let (process, origin) = started.map_err(|problem| did_not_pass(config, &problem))?;
        log::info!("container {}: started, listens on {origin}", config.name);
        Ok((process, origin))
    }

    async fn unpack(&self, config: &ContainerConfig, url: &ModelDataUrl, into: &Path) -> Result<()> {
        let (archive, folder) = (url.path.clone(), into.to_owned());
        let unpacked = tokio::task::spawn_blocking(move || unpack_model(&archive, &folder)).await;
        unpacked
            .unwrap_or_else(|error| Err(Error::new(Cause::Internal, format!("unpacking was broken off: {error}"))))
            .map_err(|error| error.context(format_args!("container {}: {}", config.name, described(url))))
    }

    async fn make_ready(
        &self,
        client: &Client,
        config: &ContainerConfig,
        origin: Url,
        health: Health,
    ) -> Result<Container> {
        let multi_model = matches!(config.models, Models::Multi(_));
        let took = wait_until_ready(client, &origin, multi_model, &health).await;
        let took = took.map_err(|problem| did_not_pass(config, &problem))?;
        log::info!("container {}: ping ok after {:.0} ms", config.name, took.as_secs_f64() * 1e3);
        let name = &config.name_in_errors;
        Ok(match &config.models {
            Models::Single(_) => Container::single_model(name, origin, health),
            Models::Multi(prefix) => {
                let store = ModelStore::new(prefix.clone());
                let models = ModelCache::new(name, origin, store, ModelFolder::of(&self.state_dir)?);
                Container::multi_model(name, models, health)
            }
        })
    }
}

/// Stops all processes side by side.
pub async fn stop_all(processes: Vec<Process>) {
    join_all(processes.into_iter().map(Process::stop)).await;
}

/// FailureReason as DescribeEndpoint has it for a single container and for one of a pipeline
/// (amazon-sagemaker-examples#1072), with the reason.
fn did_not_pass(config: &ContainerConfig, problem: &str) -> Error {
    let name = match config.name_in_errors.as_str() {
        "primary" => "primary container",
        other => other,
    };
    let message = format!("The {name} for production variant {VARIANT} did not pass the ping health check: {problem}");
    Error::new(Cause::NotHealthy, message)
}

fn described(url: &ModelDataUrl) -> String {
    format!("ModelDataUrl \"{}\" ({})", url.as_written, url.path.display())
}

#[cfg(test)]
#[path = "start_test.rs"]
mod tests;

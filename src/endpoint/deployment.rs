//! Deploys one endpoint, from its configuration to InService.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::{Client, Url};

use super::client_side::{Endpoint, Queue, Shadow, Variant, Variants, Worker};
use super::config::{EndpointConfig, VariantConfig};
use super::container_side::{ContainerLauncher, ContainerSettings, RunningPipeline, stop_all};
use super::identity::Identity;
use crate::error::{Cause, Error, Result};
use crate::leased_bytes::MemoryShare;
use crate::platform::problems::{combine, list_problems};
use crate::storage::{Folders, Location, Storage};
use crate::supervisor::BackgroundSupervisor;
use byoc_formats::error::chain;
use byoc_formats::suggest;

/// The settings that all endpoints of a process share.
#[derive(Debug)]
pub(super) struct EndpointContext {
    pub(super) executable: PathBuf,
    /// Containers that are already running, by `HOSTNAME`, `VARIANT/HOSTNAME` or `ENDPOINT/VARIANT/HOSTNAME`.
    pub(super) running: BTreeMap<String, Url>,
    pub(super) state_dir: PathBuf,
    /// The path of the variant's models folder in multi-model containers that are already running.
    pub(super) models_seen_at: Option<String>,
    /// The default output folder of asynchronous invocations.
    pub(super) async_output: Location,
    /// The folders from which inputs of asynchronous invocations may be read.
    pub(super) async_inputs: Arc<Folders>,
    pub(super) container_settings: ContainerSettings,
    /// The account of the principals, if any, which is then also the endpoints' account.
    pub(super) account: Option<String>,
}

/// An endpoint and the settings with which it is started.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) file: PathBuf,
    pub(super) config: EndpointConfig,
    pub(super) endpoint: Arc<Endpoint>,
    /// For an endpoint with AsyncInferenceConfig.
    worker: Option<Worker>,
}

impl Deployment {
    /// An endpoint that is Creating. Several endpoints each get a separate output folder for asynchronous invocations.
    pub(super) fn new(file: PathBuf, config: EndpointConfig, context: &EndpointContext) -> Deployment {
        let identity = Identity {
            endpoint: config.endpoint_name.clone(),
            region: context.container_settings.environment.region.clone(),
            account: context.account.clone().unwrap_or_else(|| config.account.clone()),
        };
        let (queue, worker) = match &config.asynchronous {
            None => (None, None),
            Some(asynchronous) => {
                let own = context.async_output.below(&config.endpoint_name);
                let output = asynchronous.output.clone().unwrap_or(own);
                let failure = asynchronous.failure.clone().unwrap_or_else(|| output.clone());
                log::info!("endpoint {}: answers are written to {}", config.endpoint_name, output);
                let (queue, worker) =
                    Queue::new(output, failure, Arc::clone(&context.async_inputs), asynchronous.concurrent);
                (Some(queue), Some(worker))
            }
        };
        let endpoint = Arc::new(Endpoint::creating(identity, queue));
        Deployment { file, config, endpoint, worker }
    }

    /// All variants: those for production, then the shadow.
    fn variants(&self) -> impl Iterator<Item = &VariantConfig> {
        self.config.variants.iter().chain(self.config.shadow.as_ref().map(|shadow| &shadow.variant))
    }

    /// The names by which `--container` can refer to a container of this endpoint, the most specific first.
    fn names(&self, variant: &VariantConfig, container: &str) -> [String; 3] {
        let (endpoint, variant) = (&self.config.endpoint_name, &variant.name);
        [format!("{endpoint}/{variant}/{container}"), format!("{variant}/{container}"), container.to_owned()]
    }

    fn starter(&self, variant: &VariantConfig, context: &EndpointContext, alone: bool) -> ContainerLauncher {
        let containers = variant.model.containers.iter();
        let running = containers.filter_map(|container| {
            let names = self.names(variant, &container.name);
            Some((container.name.clone(), names.iter().find_map(|name| context.running.get(name))?.clone()))
        });
        let state_dir = &context.state_dir;
        ContainerLauncher {
            executable: context.executable.clone(),
            running: running.collect(),
            // Two variants may have containers of the same name and models of the same location.
            state_dir: if alone {
                state_dir.clone()
            } else {
                state_dir.join(&self.config.endpoint_name).join(&variant.name)
            },
            models_seen_at: context.models_seen_at.clone(),
            container_settings: context.container_settings.clone(),
            variant: variant.name.clone(),
            log_prefix: if alone { String::new() } else { format!("{}/{}/", self.config.endpoint_name, variant.name) },
        }
    }

    /// Starts all containers of all variants concurrently and puts the endpoint InService.
    ///
    /// # Errors
    /// Why containers did not start; the others are stopped.
    async fn start(
        &self,
        client: &Client,
        context: &EndpointContext,
        alone: bool,
    ) -> Result<Vec<BackgroundSupervisor>> {
        let all = self.variants().map(|variant| async move {
            let starter = self.starter(variant, context, alone);
            starter.start(client, &variant.model.containers, variant.model.mode).await
        });
        let (started, errors) = partition(join_all(all).await);
        let (pipelines, instances): (Vec<_>, Vec<_>) =
            started.into_iter().map(|RunningPipeline { pipeline, instances }| (pipeline, instances)).unzip();
        let instances: Vec<BackgroundSupervisor> = instances.into_iter().flatten().collect();
        if let Some(error) = combine(errors) {
            stop_all(instances).await;
            return Err(error);
        }
        let name = &self.config.endpoint_name;
        let mut made =
            self.variants().zip(pipelines).map(|(config, pipeline)| Variant::new(name, &config.name, pipeline));
        let production = made.by_ref().zip(&self.config.variants).map(|(variant, config)| (variant, config.weight));
        let production: Vec<_> = production.take(self.config.variants.len()).collect();
        let shadow = self.config.shadow.as_ref().and_then(|config| Some(Shadow::new(made.next()?, config.share)));
        self.endpoint.in_service(Variants::new(production, shadow));
        Ok(instances)
    }

    /// Whether outputs of asynchronous invocations go to the default output folder.
    pub(super) fn uses_default_async_output(&self) -> bool {
        self.config.asynchronous.as_ref().is_some_and(|asynchronous| asynchronous.output.is_none())
    }

    /// Starts the worker of its queue, if it has one.
    pub(super) fn begin_work(
        &mut self,
        client: &Client,
        storage: &Arc<Storage>,
        memory: &MemoryShare,
    ) -> Option<actix_web::rt::task::JoinHandle<()>> {
        let worker = self.worker.take()?;
        let (endpoint, storage) = (Arc::clone(&self.endpoint), Arc::clone(storage));
        Some(actix_web::rt::spawn(worker.work(endpoint, client.clone(), storage, memory.clone())))
    }
}

/// Checks for problems that would keep these endpoints from starting.
///
/// # Errors
/// [`Cause::BadSetting`] with a line for each problem.
pub(super) fn check(deployments: &[Deployment], context: &EndpointContext) -> Result<()> {
    let mut names: Vec<String> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for deployment in deployments {
        for variant in deployment.variants() {
            for container in &variant.model.containers {
                let [exact, within_endpoint, short] = deployment.names(variant, &container.name);
                names.push(match deployments.len() {
                    1 if deployment.variants().count() == 1 => short.clone(),
                    1 => within_endpoint.clone(),
                    _ => exact.clone(),
                });
                known.extend([exact, within_endpoint, short]);
            }
        }
    }
    let unknown = context.running.keys().filter(|name| !known.contains(name));
    let mut problems: Vec<String> = unknown
        .map(|name| {
            let known = names.iter().map(String::as_str);
            let meant = suggest::nearest(name, known.clone());
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            format!("--container {name}: there is no such container, only {}{meant}", suggest::listed(name, known))
        })
        .collect();
    let alone = is_alone(deployments);
    for deployment in deployments {
        let problem = |error: Error| chain(&error.context(deployment.file.display())).to_string();
        for variant in deployment.variants() {
            let checked = deployment.starter(variant, context, alone).check(&variant.model.containers);
            problems.extend(checked.err().map(problem));
        }
        if let Some(asynchronous) = &deployment.config.asynchronous {
            for place in [&asynchronous.output, &asynchronous.failure].into_iter().flatten() {
                let checked = context.container_settings.storage.check(place);
                problems.extend(checked.err().map(problem));
            }
        }
        let twice = deployments.iter().filter(|other| other.config.endpoint_name == deployment.config.endpoint_name);
        if twice.count() > 1 {
            let name = &deployment.config.endpoint_name;
            problems.push(format!("{}: EndpointName: \"{name}\" is already taken", deployment.file.display()));
        }
    }
    // Two deployments of one file have the same problems.
    let mut reported = HashSet::new();
    problems.retain(|problem| reported.insert(problem.clone()));
    if problems.is_empty() { Ok(()) } else { Err(Error::new(Cause::BadSetting, list_problems(&problems))) }
}

/// Starts all endpoints concurrently; returns the supervisors of their containers.
///
/// # Errors
/// Why containers did not start; all others are stopped.
pub(super) async fn start(
    client: &Client,
    deployments: &[Deployment],
    context: &EndpointContext,
) -> Result<Vec<BackgroundSupervisor>> {
    let alone = is_alone(deployments);
    let all = deployments.iter().map(|deployment| deployment.start(client, context, alone));
    let (started, errors) = partition(join_all(all).await);
    let instances = started.into_iter().flatten().collect();
    match combine(errors) {
        None => Ok(instances),
        Some(error) => {
            stop_all(instances).await;
            Err(error)
        }
    }
}

/// Whether there is one endpoint with one variant, which needs no subfolder.
fn is_alone(deployments: &[Deployment]) -> bool {
    matches!(deployments, [one] if one.variants().count() == 1)
}

fn partition<T>(outcomes: Vec<Result<T>>) -> (Vec<T>, Vec<Error>) {
    let mut partition = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(good) => partition.0.push(good),
            Err(error) => partition.1.push(error),
        }
    }
    partition
}

/// The default output folder of asynchronous invocations.
pub(super) fn async_output(state_dir: &Path) -> PathBuf {
    state_dir.join("async")
}

#[cfg(test)]
#[path = "deployment_test.rs"]
mod tests;

//! One container of a pipeline, as the target of requests.

use std::sync::Arc;

use reqwest::Url;

use super::model_cache::ModelCache;
use super::single_model::SingleModel;
use crate::supervisor::Health;

/// How a container is invoked.
#[derive(Debug)]
pub(super) enum HostedModels {
    /// `/invocations` of the container that currently has the model.
    Single(Arc<SingleModel>),
    /// `/models/<id>/invoke`, with a model that the cache loads into it.
    Multi(ModelCache),
}

/// A container that can be invoked.
#[derive(Debug)]
pub struct Container {
    /// The container's name in errors.
    pub(super) name_in_errors: String,
    pub(super) models: HostedModels,
    pub(super) health: Health,
    /// ContainerLatency of docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, in seconds, as is usual
    /// for Prometheus.
    pub(super) latency: metrics::Histogram,
}

impl Container {
    /// A container that serves one model and listens at `origin`, such as `http://127.0.0.1:8081/`.
    pub fn single_model(name_in_errors: &str, origin: Url, health: Health) -> Container {
        Container::with_model(name_in_errors, SingleModel::external(origin), health)
    }

    /// A container that serves one model, which may be replaced.
    pub(super) fn with_model(name_in_errors: &str, model: SingleModel, health: Health) -> Container {
        Container::new(name_in_errors, HostedModels::Single(Arc::new(model)), health)
    }

    /// A container that serves the models that `models` loads into it.
    pub fn multi_model(name_in_errors: &str, models: ModelCache, health: Health) -> Container {
        Container::new(name_in_errors, HostedModels::Multi(models), health)
    }

    fn new(name_in_errors: &str, models: HostedModels, health: Health) -> Container {
        let latency =
            metrics::histogram!("byoc_endpoint_container_latency_seconds", "container" => name_in_errors.to_owned());
        Container { name_in_errors: name_in_errors.to_owned(), models, health, latency }
    }

    /// How the container exited, if it has, with its name.
    pub(super) fn exit_description(&self) -> Option<String> {
        self.health.exit_description().map(|how| format!("container {}: {how}", self.name_in_errors))
    }
}

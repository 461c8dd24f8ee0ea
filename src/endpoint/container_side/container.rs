//! One container of a pipeline, as requests see it.

use std::sync::Arc;

use reqwest::Url;

use super::model_cache::ModelCache;
use super::single_model::SingleModel;
use crate::platform::Health;

/// What is asked of a container.
#[derive(Debug)]
pub(super) enum Calls {
    /// `/invocations`, of whatever container has the model now.
    Invocations(Arc<SingleModel>),
    /// `/models/<id>/invoke`, with a model that the cache has it load.
    Models(ModelCache),
}

/// A container that can be called.
#[derive(Debug)]
pub struct Container {
    /// The container as errors name it.
    pub(super) name_in_errors: String,
    pub(super) calls: Calls,
    pub(super) health: Health,
    /// ContainerLatency of docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, in seconds as Prometheus
    /// has it.
    pub(super) latency: metrics::Histogram,
}

impl Container {
    /// A container that serves one model. `origin` is where it listens, such as `http://127.0.0.1:8081/`.
    pub fn single_model(name_in_errors: &str, origin: Url, health: Health) -> Container {
        Container::with_model(name_in_errors, SingleModel::fixed(origin), health)
    }

    /// A container that serves one model, which may be replaced.
    pub(super) fn with_model(name_in_errors: &str, model: SingleModel, health: Health) -> Container {
        Container::new(name_in_errors, Calls::Invocations(Arc::new(model)), health)
    }

    /// A container that serves the models that `models` has it load.
    pub fn multi_model(name_in_errors: &str, models: ModelCache, health: Health) -> Container {
        Container::new(name_in_errors, Calls::Models(models), health)
    }

    fn new(name_in_errors: &str, calls: Calls, health: Health) -> Container {
        let latency =
            metrics::histogram!("byoc_endpoint_container_latency_seconds", "container" => name_in_errors.to_owned());
        Container { name_in_errors: name_in_errors.to_owned(), calls, health, latency }
    }

    /// How the container ended, if it has, with its name.
    pub(super) fn how_it_ended(&self) -> Option<String> {
        self.health.how_it_ended().map(|how| format!("container {}: {how}", self.name_in_errors))
    }
}

//! One container of a pipeline, as requests see it.

use reqwest::Url;

use super::model_cache::ModelCache;
use crate::platform::Health;

/// What is asked of a container.
#[derive(Debug)]
pub(super) enum Calls {
    /// `/invocations`, always.
    Invocations(Url),
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
    pub fn single_model(name_in_errors: &str, mut origin: Url, health: Health) -> Container {
        origin.set_path("/invocations");
        Container::new(name_in_errors, Calls::Invocations(origin), health)
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

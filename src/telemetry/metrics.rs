//! The metrics page: everything recorded through the `metrics` facade, in Prometheus' text format.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::telemetry::series;

/// Upper bounds of the latency histograms' buckets, in seconds: from a one-row invocation to SageMaker's limit of 60 s.
const BUCKETS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 30.0, 60.0,
];

/// How often recorded samples are added to their buckets. Until then each sample takes a few bytes.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Sets up the metrics recorder of this process. Later calls have no effect.
pub fn start() {
    HANDLE.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect(|_| series::describe())
            .inspect_err(|error| log::warn!("no metrics: {error}"))
            .ok()
    });
}

/// The metrics page. Empty before [`start`].
pub fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Adds the samples recorded since the last call to their buckets. Call it every [`UPKEEP_INTERVAL`].
pub fn upkeep() {
    if let Some(handle) = HANDLE.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_metrics_appear_on_the_page() {
        start();
        metrics::counter!("byoc_test_total", "route" => "/x").increment(3);
        metrics::histogram!("byoc_test_seconds").record(0.000_2);
        upkeep();
        metrics::gauge!("byoc_models_loaded").set(2.0);
        let page = render();
        assert!(page.contains("# HELP byoc_models_loaded Models in memory.\n"), "{page}");
        assert!(page.contains("byoc_test_total{route=\"/x\"} 3"), "{page}");
        assert!(page.contains("byoc_test_seconds_bucket{le=\"0.00025\"} 1"), "{page}");
    }
}

//! Every series of the metrics page: its kind, unit and meaning.
//!
//! docs/metrics.md lists the same series. A test compares both with the series that the sources record.

use metrics::Unit;

/// The kind of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only increases while the process runs.
    Counter,
    /// A current value.
    Gauge,
    /// Durations in seconds, counted in buckets.
    Histogram,
}

/// One series. `name` is the one passed to `metrics::counter!` and its siblings.
#[derive(Debug)]
pub struct Series {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    /// The text after `# HELP`: one line.
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Series {
    Series { name, kind: Kind::Counter, unit: Unit::Count, help }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Series {
    Series { name, kind: Kind::Gauge, unit, help }
}

const fn seconds(name: &'static str, help: &'static str) -> Series {
    Series { name, kind: Kind::Histogram, unit: Unit::Seconds, help }
}

/// All series of `byoc serve`, then all of `byoc endpoint`.
pub const SERIES: &[Series] = &[
    counter("byoc_requests_total", "Responses, by route (invocations, load, unload) and HTTP status."),
    seconds("byoc_request_seconds", "Time from the arrival of an invocation or a load to its response, by route."),
    gauge("byoc_requests_in_flight", Unit::Count, "Requests that have arrived and are not answered yet."),
    gauge("byoc_models_loaded", Unit::Count, "Models in memory."),
    gauge("byoc_model_bytes", Unit::Bytes, "Memory of models and loads in progress."),
    gauge("byoc_model_bytes_limit", Unit::Bytes, "Limit of the memory of models and loads (--model-memory)."),
    counter(
        "byoc_endpoint_invocations_total",
        "Invocations, by endpoint, variant and HTTP status; copies for a shadow variant count as 200 or 424.",
    ),
    seconds(
        "byoc_endpoint_model_latency_seconds",
        "Time that the containers of a variant took together, by endpoint and variant (ModelLatency of CloudWatch).",
    ),
    seconds(
        "byoc_endpoint_container_latency_seconds",
        "Time that one container took, by container (ContainerLatency of CloudWatch).",
    ),
    counter(
        "byoc_endpoint_shadow_copies_dropped_total",
        "Copies of requests that a shadow variant did not get because it had too many in progress.",
    ),
    gauge("byoc_endpoint_in_flight_bytes", Unit::Bytes, "Memory of the bodies and responses of all requests."),
    gauge(
        "byoc_endpoint_in_flight_limit_bytes",
        Unit::Bytes,
        "Limit of the memory of bodies and responses (--in-flight-memory).",
    ),
    counter(
        "byoc_endpoint_model_cache_hits_total",
        "Invocations of a multi-model container that found their model loaded (ModelCacheHit of CloudWatch).",
    ),
    counter(
        "byoc_endpoint_model_cache_misses_total",
        "Invocations of a multi-model container that had to wait for their model to be loaded.",
    ),
    gauge("byoc_endpoint_loaded_models", Unit::Count, "Models that the multi-model containers have loaded."),
    seconds(
        "byoc_endpoint_model_unpacking_seconds",
        "Time to download and unpack a model (ModelDownloadingTime of CloudWatch).",
    ),
    seconds(
        "byoc_endpoint_model_loading_seconds",
        "Time that a container took to load a model (ModelLoadingTime of CloudWatch).",
    ),
    counter(
        "byoc_endpoint_model_evictions_total",
        "Models that were unloaded, by reason (memory, disk, cache_disabled, refresh).",
    ),
    gauge("byoc_endpoint_unpacked_models", Unit::Count, "Unpacked models on disk, loaded or not."),
    gauge("byoc_endpoint_unpacked_bytes", Unit::Bytes, "Disk space that unpacked models take."),
    counter(
        "byoc_endpoint_artifact_evictions_total",
        "Unpacked models that were deleted from disk, by reason (memory, disk, cache_disabled, refresh).",
    ),
];

/// Registers the help texts and units with the recorder of this process.
pub(super) fn describe() {
    for Series { name, kind, unit, help } in SERIES {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *unit, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *unit, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *unit, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The names that follow `counter!(`, `gauge!(` or `histogram!(` in all sources below a folder, except in tests.
    fn recorded(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                recorded(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let program = text.split("#[cfg(test)]").next().unwrap();
                for call in ["counter!(", "gauge!(", "histogram!("] {
                    for (at, _) in program.match_indices(call) {
                        if let Some(name) = program[at + call.len()..].trim_start().strip_prefix('"') {
                            found.insert(name.split('"').next().unwrap().to_owned());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_recorded_series_is_described_here_and_in_the_documentation() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = BTreeSet::new();
        recorded(&root.join("src"), &mut found);
        let described: BTreeSet<_> = SERIES.iter().map(|series| series.name.to_owned()).collect();
        assert_eq!(found, described);
        let page = std::fs::read_to_string(root.join("docs/metrics.md")).unwrap();
        for Series { name, kind, unit, .. } in SERIES {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/metrics.md has no row for {name}"));
            assert!(row.contains(&format!("| {} |", format!("{kind:?}").to_lowercase())), "{row}");
            assert!(row.contains(&format!("| {} |", unit.as_str())), "{row}");
        }
    }
}

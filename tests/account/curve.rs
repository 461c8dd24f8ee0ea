//! How long a model takes to be loaded and looked into, in time of this thread's processor.

use super::models::{self, file};
use byoc::model::{Artifact, Inspection};
use byoc_account::Allowance;
use std::time::{Duration, Instant};

/// What loading and looking into a model take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub file_bytes: usize,
    pub load: Duration,
    pub inspect: Duration,
}

/// The larger of the curves that `class` has has four times this many values.
pub fn smallest(class: &str) -> usize {
    match class {
        "ColumnTransformer" | "FeatureUnion" | "Pipeline" => 1_000,
        _ => 16_000,
    }
}

/// The best of some runs.
pub fn times(class: &str, count: usize, runs: usize) -> Times {
    let pickle = file(&models::model(class, count).unwrap().piece());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.joblib"), &pickle).unwrap();
    let best = |work: &dyn Fn()| (0..runs).map(|_| on_processor(work)).min().unwrap_or_default();
    let load = || {
        Artifact::find(folder.path()).and_then(|artifact| artifact.load(None, &Allowance::unbounded())).unwrap();
    };
    let inspect = || {
        Inspection::of(folder.path(), &Allowance::unbounded()).unwrap();
    };
    Times { file_bytes: pickle.len(), load: best(&load), inspect: best(&inspect) }
}

fn on_processor(work: &dyn Fn()) -> Duration {
    let (before, started) = (processor_time(), Instant::now());
    work();
    match (before, processor_time()) {
        (Some(before), Some(after)) => Duration::from_nanos(after - before),
        _ => started.elapsed(),
    }
}

/// Nanoseconds that this thread has had a processor (docs.kernel.org/scheduler/sched-stats.html), where the system says so.
fn processor_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

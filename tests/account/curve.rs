//! How long it takes to load, inspect and invoke a model, in processor time of this thread.

use super::models::{Object, file};
use super::requests;
use byoc::model::{Artifact, Inspection, Invocation};
use byoc_account::Allowance;
use byoc_formats::media_types::read::read_frame;
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_sklearn::preprocessor::Overrides;
use std::path::Path;
use std::time::{Duration, Instant};

/// The times of loading and inspecting a model.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub file_bytes: usize,
    pub load: Duration,
    pub inspect: Duration,
}

/// The number of values of a class's small model. Its large model has four times as many.
pub fn smallest(class: &str) -> usize {
    match class {
        "ColumnTransformer" | "FeatureUnion" | "Pipeline" => 1_000,
        _ => 16_000,
    }
}

/// The fastest of several runs over one pickle.
pub fn times(model: &Object, runs: usize) -> Times {
    let pickle = file(&model.piece());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.joblib"), &pickle).unwrap();
    Times { file_bytes: pickle.len(), ..times_of(folder.path(), runs) }
}

/// The fastest of several runs over a folder.
pub fn times_of(folder: &Path, runs: usize) -> Times {
    let best = |work: &dyn Fn()| (0..runs).map(|_| on_processor(work)).min().unwrap_or_default();
    let load = || {
        Artifact::find(folder)
            .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
            .unwrap();
    };
    let inspect = || {
        Inspection::of(folder, &Overrides::default(), &Allowance::unbounded()).unwrap();
    };
    Times { file_bytes: 0, load: best(&load), inspect: best(&inspect) }
}

/// The time to answer a CSV request of `cells` cells in CSV.
pub fn answering(class: &str, cells: usize) -> Duration {
    let (model, width) = requests::model(class);
    let body = requests::csv(class, width, cells);
    let answer = || {
        let invocation = Invocation {
            content_type: Some("text/csv"),
            accept: Some("text/csv"),
            default_accept: None,
            body: body.as_bytes(),
        };
        model.invoke(invocation, &Allowance::unbounded()).unwrap();
    };
    on_processor(&answer)
}

/// The time to read rows of ten numbers.
pub fn reading(media_type: MediaType, rows: usize) -> Duration {
    let body = requests::numbers(media_type, rows);
    on_processor(&|| {
        drop(read_frame(ContentType::of(media_type), &body, &|_: usize| Ok(()), &Allowance::unbounded()).unwrap())
    })
}

/// The mean of enough runs for a clock that ticks every few milliseconds.
fn on_processor(work: &dyn Fn()) -> Duration {
    const ENOUGH: Duration = Duration::from_millis(40);
    const MAX_RUNS: u32 = 50;
    let (before, started) = (processor_time(), Instant::now());
    let mut runs = 0;
    loop {
        work();
        runs += 1;
        let taken = match (before, processor_time()) {
            (Some(before), Some(now)) => Duration::from_nanos(now - before),
            _ => started.elapsed(),
        };
        if taken >= ENOUGH || runs == MAX_RUNS {
            return taken / runs;
        }
    }
}

/// Nanoseconds that this thread has run on a processor, if the system says so
/// (docs.kernel.org/scheduler/sched-stats.html).
fn processor_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

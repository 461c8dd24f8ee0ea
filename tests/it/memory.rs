//! The memory of unloaded models returns to the system. docs/figures.md has the figures for 100,000 models.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::time::{Duration, Instant};

use crate::support::artifacts::scikit_learn;
use crate::support::program::Container;

/// Enough models that a tenth of their memory exceeds the program's other growth: 1,000 take about 2 MB.
const MODELS: usize = 8_000;
const MODELS_BEFORE: usize = 1_000;
const CLIENTS: usize = 8;

/// The goal is 2 s. Five allow for a busy machine, and end before tokio's idle threads do, which would also free
/// memory.
const SOON: Duration = Duration::from_secs(5);

/// Resident memory in bytes, for which the kernel visits each page: the count in `statm` may lag behind.
fn resident(container: &Container) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", container.pid())).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Rss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Calls `work` with the name of each model, from several clients at once.
fn for_each_model(models: usize, work: impl Fn(String) + Sync) {
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let work = &work;
            scope.spawn(move || (client..models).step_by(CLIENTS).for_each(|number| work(format!("m{number}"))));
        }
    });
}

#[test]
fn nine_tenths_of_the_memory_of_models_returns_to_the_system_soon_after_unloading() {
    let container = Container::start(&["--multi-model", "--log-level", "warning"], &[]);
    let folder = scikit_learn("1.4.2/housing");
    let load = |name: String| assert_eq!(container.load(&name, folder.path()).status, 200);
    let unload = |name: String| assert_eq!(container.delete(&format!("/models/{name}")).status, 200);
    // Connections, threads and counters take memory once, whatever the number of models.
    for_each_model(MODELS_BEFORE, load);
    for_each_model(MODELS_BEFORE, unload);

    let before = resident(&container);
    for_each_model(MODELS, load);
    let loaded = resident(&container);
    assert!(loaded > before + 8 * (1 << 20), "loading the models takes memory: {before}, {loaded}");
    for_each_model(MODELS, unload);

    let unloaded = Instant::now();
    let enough = loaded - (loaded - before) / 10 * 9;
    loop {
        let now = resident(&container);
        if now <= enough {
            break;
        }
        assert!(
            unloaded.elapsed() < SOON,
            "{before} bytes before, {loaded} with the models, {now} after unloading them"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

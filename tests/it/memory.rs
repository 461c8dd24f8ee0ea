//! Memory that models gave back goes back to the system. docs/figures.md has the figures of 100,000 models.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::time::{Duration, Instant};

use crate::support::artifacts::scikit_learn;
use crate::support::program::Container;

/// So many that a tenth of their memory is more than what else the program may hold by then: a thousand take some 2 MB.
const MODELS: usize = 8_000;
const MODELS_BEFORE: usize = 1_000;
const CLIENTS: usize = 8;

/// Two seconds are the goal. A busy machine has five, which is before threads of tokio's own would end and free something.
const SOON: Duration = Duration::from_secs(5);

/// By the kernel's walk over the pages: the count in `statm` may be late.
fn resident(container: &Container) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", container.pid())).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Rss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Has several clients do something for so many models at once.
fn for_each_model(models: usize, work: impl Fn(String) + Sync) {
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let work = &work;
            scope.spawn(move || (client..models).step_by(CLIENTS).for_each(|number| work(format!("m{number}"))));
        }
    });
}

#[test]
fn nine_tenths_of_what_models_took_go_back_soon_after_they_are_unloaded() {
    let container = Container::start(&["--multi-model", "--log-level", "warning"], &[]);
    let folder = scikit_learn("1.4.2/housing");
    let load = |name: String| assert_eq!(container.load(&name, folder.path()).status, 200);
    let unload = |name: String| assert_eq!(container.delete(&format!("/models/{name}")).status, 200);
    // What connections, threads and counters take once is not the models'.
    for_each_model(MODELS_BEFORE, load);
    for_each_model(MODELS_BEFORE, unload);

    let before = resident(&container);
    for_each_model(MODELS, load);
    let loaded = resident(&container);
    assert!(loaded > before + 8 * (1 << 20), "the models are seen in the process's memory: {before}, {loaded}");
    for_each_model(MODELS, unload);

    let unloaded = Instant::now();
    let enough = loaded - (loaded - before) / 10 * 9;
    loop {
        let now = resident(&container);
        if now <= enough {
            break;
        }
        assert!(unloaded.elapsed() < SOON, "{before} bytes before, {loaded} loaded, {now} since");
        std::thread::sleep(Duration::from_millis(20));
    }
}

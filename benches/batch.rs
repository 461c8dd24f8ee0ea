//! A model's answer on one core, from request bytes to response bytes, compared with a floor: a program that only
//! splits, parses and prints the same numbers.
//!
//! `cargo bench --bench batch`. For CSV the floor finds commas and line ends, parses every number, and prints the same
//! number of numbers as the model, without types, checks or a model. For a binary body it reads every word and writes
//! the same number of bytes as the answer. The difference is the cost of everything else.
//!
//! `cargo bench --bench batch -- FOLDER BODY…` measures the model of a folder with CSV files instead, for CSV and JSON
//! answers, and prints nanoseconds separated by tabs, for `tests/interop/bench_preprocessor.py`.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use support::{fixtures, floor};

/// How long each case is measured: the slowest runs a few times.
const MEASURE_FOR: Duration = Duration::from_secs(2);

fn main() {
    // cargo adds the argument `--bench`.
    let arguments: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|word| word != "--bench").map(Into::into).collect();
    if let Some((folder, bodies)) = arguments.split_first() {
        return of_files(folder, bodies);
    }
    println!("{:<24} {:>9} {:>12} {:>12} {:>12} {:>6}", "container", "rows", "floor", "ours", "rows/s", "ratio");
    for rows in [1, 100, 10_000, 1_000_000] {
        for (name, case) in [
            ("preprocessor", fixtures::preprocessor(rows)),
            ("linear learner", fixtures::learner(rows)),
            ("linear learner, recordio", fixtures::learner_of_records(rows)),
            ("linear learner, npy", fixtures::learner_of_arrays(rows)),
        ] {
            let answer = case.answer().expect("the bench's own request").into_body();
            let floor = match case.content_type {
                "text/csv" => {
                    let numbers = floor::numbers_of(&answer);
                    fastest(|| floor::run(&case.body, &numbers))
                }
                _ => fastest(|| floor::run_binary(&case.body, &answer)),
            };
            let ours = fastest(|| case.answer().map(|answer| answer.pieces.iter().map(Vec::len).sum()).unwrap_or(0));
            println!(
                "{name:<24} {rows:>9} {:>12} {:>12} {:>12.0} {:>6.2}",
                format!("{floor:.1?}"),
                format!("{ours:.1?}"),
                rows as f64 / ours.as_secs_f64(),
                ours.as_secs_f64() / floor.as_secs_f64()
            );
        }
    }
}

/// `BODY  ACCEPT  floor  ours` for each file and media type.
fn of_files(folder: &Path, bodies: &[PathBuf]) {
    for path in bodies {
        for accept in ["text/csv", "application/json"] {
            let body = std::fs::read(path).expect("the body can be read");
            let case = fixtures::of_folder(folder.to_owned(), body, accept);
            let answer = case.answer().expect("the model answers").into_body();
            let numbers = floor::numbers_of(&answer);
            let floor = fastest(|| floor::run(&case.body, &numbers)).as_nanos();
            let ours = fastest(|| case.answer().map(|answer| answer.pieces.iter().map(Vec::len).sum()).unwrap_or(0))
                .as_nanos();
            println!("{}\t{accept}\t{floor}\t{ours}", path.display());
        }
    }
}

/// The shortest of many runs, which other work on the machine disturbs least. Short runs are timed in batches.
fn fastest(mut work: impl FnMut() -> usize) -> Duration {
    let once = Instant::now();
    std::hint::black_box(work());
    let batch = (Duration::from_micros(200).as_nanos() / once.elapsed().as_nanos().max(1)).clamp(1, 10_000) as u32;
    let (begun, mut fastest) = (Instant::now(), Duration::MAX);
    while begun.elapsed() < MEASURE_FOR {
        let started = Instant::now();
        for _ in 0..batch {
            std::hint::black_box(work());
        }
        fastest = fastest.min(started.elapsed() / batch);
    }
    fastest
}

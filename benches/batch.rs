//! One core, bytes to bytes: a model's whole answer beside a program that only splits, parses and prints the same numbers.
//!
//! `cargo bench --bench batch`. The floor finds commas and line ends, parses every number, and prints as many numbers as
//! the model does: no types, no checks, no model. What is above it is what the semantics cost. Of a binary body the floor reads
//! every word and writes as many bytes as the answer has.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::time::{Duration, Instant};

use support::{fixtures, floor};

/// Long enough for the slowest case to run a few times.
const MEASURE_FOR: Duration = Duration::from_secs(2);

fn main() {
    println!("{:<24} {:>9} {:>12} {:>12} {:>12} {:>6}", "container", "rows", "floor", "ours", "rows/s", "ratio");
    for rows in [1, 100, 10_000, 1_000_000] {
        for (name, case) in [
            ("preprocessor", fixtures::preprocessor(rows)),
            ("linear learner", fixtures::learner(rows)),
            ("linear learner, recordio", fixtures::learner_of_records(rows)),
            ("linear learner, npy", fixtures::learner_of_arrays(rows)),
        ] {
            let answer = case.model.invoke(case.invocation()).expect("the bench's own request").body;
            let floor = match case.content_type {
                "text/csv" => {
                    let numbers = floor::numbers_of(&answer);
                    fastest(|| floor::run(&case.body, &numbers))
                }
                _ => fastest(|| floor::run_binary(&case.body, &answer)),
            };
            let ours = fastest(|| case.model.invoke(case.invocation()).map(|answer| answer.body.len()).unwrap_or(0));
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

/// The shortest of many runs: what the machine can do when nothing disturbs it. Short work is timed in batches.
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

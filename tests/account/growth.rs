//! The time to load and inspect a model is linear in the size of its file, and the time to answer in that of the body.

use super::curve::{Times, answering, reading, smallest, times, times_of};
use super::models::{self, Object};
use super::truth::{branches, documents};
use byoc_formats::media_types::MediaType;
use std::time::Duration;

/// The largest factor by which the time may grow with four times the values: 4 is linear, 16 is quadratic.
const MAX_RATIO: f64 = 9.0;

/// Times below this count as this, since they are mostly overhead.
const FLOOR: Duration = Duration::from_millis(3);

/// The message for a model whose time grows too much when the model is four times as large.
fn wrong(what: &str, small: Times, large: Times) -> Option<String> {
    let ratio = |large: Duration, small: Duration| large.as_secs_f64() / small.max(FLOOR).as_secs_f64();
    let (load, inspect) = (ratio(large.load, small.load), ratio(large.inspect, small.inspect));
    (load > MAX_RATIO || inspect > MAX_RATIO).then(|| {
        let (from, to) = (small.file_bytes, large.file_bytes);
        format!("{what} of {from} and {to} bytes: load {load:.1}, inspect {inspect:.1} times")
    })
}

#[test]
fn the_time_to_load_and_inspect_a_model_is_not_quadratic_for_any_class() {
    let sizes = |model: &dyn Fn(usize) -> Object, class: &'static str| {
        let count = smallest(class);
        (class, model(count), model(4 * count))
    };
    let known = models::classes().map(|class| sizes(&|count| models::model(class, count).unwrap(), class));
    let older = (0..5).map(|which| sizes(&|count| models::older(count).remove(which), "ColumnTransformer"));
    let all = known.chain(older).filter_map(|(class, small, large)| wrong(class, times(&small, 1), times(&large, 1)));
    let all: Vec<String> = all.collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_time_to_load_and_inspect_documents_and_linear_learners_is_not_quadratic() {
    let small = documents(1).into_iter().chain([("branches of a preprocessor.json", branches(300))]);
    let large = documents(4).into_iter().chain([("", branches(1_200))]);
    let pairs = small.zip(large);
    let all = pairs
        .filter_map(|((what, small), (_, large))| wrong(what, times_of(small.path(), 1), times_of(large.path(), 1)));
    let all: Vec<String> = all.collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_time_to_answer_is_not_quadratic_in_the_rows_for_any_class_or_media_type() {
    const CELLS: usize = 8_000;
    let of_classes = models::classes().map(|class| (class, answering(class, CELLS), answering(class, 4 * CELLS)));
    let of_readers = MediaType::ALL
        .iter()
        .map(|media_type| (media_type.name(), reading(*media_type, CELLS / 10), reading(*media_type, 4 * CELLS / 10)));
    let ratio = |small: Duration, large: Duration| large.as_secs_f64() / small.as_secs_f64();
    let wrong: Vec<String> = of_classes
        .chain(of_readers)
        .filter(|(_, small, large)| ratio(*small, *large) > 9.0)
        .map(|(what, small, large)| format!("{what}: {small:?}, {large:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

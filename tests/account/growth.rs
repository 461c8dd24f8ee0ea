//! Loading and looking into a model take time as its file has bytes.

use super::curve::{Times, smallest, times};
use super::models;
use std::time::Duration;

/// What four times the values may take, of what they take at first: four times is linear, sixteen times is quadratic.
const MOST: f64 = 9.0;

#[test]
fn four_times_as_large_a_model_takes_far_less_than_sixteen_times_as_long_for_every_class() {
    // What takes less than this is mostly something else.
    let floor = Duration::from_millis(2);
    let ratio = |large: Duration, small: Duration| large.as_secs_f64() / small.max(floor).as_secs_f64();
    let wrong: Vec<String> = models::classes()
        .filter_map(|class| {
            let count = smallest(class);
            let (small, large): (Times, Times) = (times(class, count, 3), times(class, 4 * count, 2));
            let (load, inspect) = (ratio(large.load, small.load), ratio(large.inspect, small.inspect));
            (load > MOST || inspect > MOST).then(|| format!("{class}: load {load:.1}, inspect {inspect:.1} times"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Prints how the time to load and inspect a model grows with its size, and the time to answer with the number of rows,
//! for every class and media type: the tables of docs/dev/bounds.md.
//!
//! ```text
//! cargo run --release --example growth_curves
//! ```

#[path = "../tests/account/curve.rs"]
mod curve;
#[path = "../tests/account/models.rs"]
#[expect(dead_code, reason = "the tests use more of this module")]
mod models;
#[path = "../tests/account/requests.rs"]
#[expect(dead_code, reason = "the tests use more of this module")]
mod requests;

use byoc_formats::media_types::MediaType;
use curve::{answering, reading, smallest, times};

#[expect(clippy::print_stdout, reason = "a table for a person")]
fn main() {
    println!("| class | file, KiB | load, ms | inspect, ms |\n| --- | --- | --- | --- |");
    for class in models::classes() {
        let model = |factor: usize| models::model(class, 2 * factor * smallest(class)).expect("a model of the class");
        let curve: Vec<_> = [1, 2, 4].map(|factor| times(&model(factor), 3)).into();
        let column = |of: &dyn Fn(&curve::Times) -> String| curve.iter().map(of).collect::<Vec<_>>().join(" · ");
        let milliseconds = |time: std::time::Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let files = column(&|times| (times.file_bytes / 1024).to_string());
        let (load, inspect) = (column(&|times| milliseconds(times.load)), column(&|times| milliseconds(times.inspect)));
        println!("| {class} | {files} | {load} | {inspect} |");
    }
    const CELLS: usize = 100_000;
    println!("\n| class | answer to n cells, ms |\n| --- | --- |");
    let curve = |time: &dyn Fn(usize) -> std::time::Duration| {
        [1, 2, 4].map(|factor| format!("{:.2}", time(factor).as_secs_f64() * 1e3)).join(" · ")
    };
    for class in models::classes() {
        println!("| {class} | {} |", curve(&|factor| answering(class, factor * CELLS)));
    }
    println!("\n| media type | reading n rows of 10 numbers, ms |\n| --- | --- |");
    for media_type in MediaType::ALL {
        println!("| {} | {} |", media_type.name(), curve(&|factor| reading(*media_type, factor * CELLS / 10)));
    }
}

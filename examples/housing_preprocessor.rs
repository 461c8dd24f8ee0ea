//! Fits the walk-through's preprocessor without Python, and prints the result. The houses of ten cities are the channel
//! of a training job, and the specification `examples/housing/preprocessor.json` is its hyperparameter.
//!
//! `cargo run --release --example housing_preprocessor [FOLDER]`

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "an example prints what it does"
)]

#[path = "housing/houses.rs"]
#[allow(dead_code, reason = "models of cities are trained by another example")]
mod houses;

use std::fs;
use std::path::PathBuf;

use byoc::model::{Artifact, Invocation};
use byoc::training::{Config, Output, Task, run};
use byoc_account::Allowance;
use byoc_sklearn::preprocessor::Overrides;
use houses::{CITIES, House, houses};

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/housing-preprocessor"), PathBuf::from);
    let channel = folder.join("input/data/train");
    let configuration = folder.join("input/config");
    fs::create_dir_all(&channel).expect("a folder for the data");
    fs::create_dir_all(&configuration).expect("a folder for the configuration");
    for (city, name) in CITIES.iter().enumerate() {
        let rows: String = houses(city).iter().map(|house| format!("{},{}\n", row(house), house.price())).collect();
        fs::write(channel.join(format!("{name}.csv")), rows).expect("a file");
    }
    let specification = include_str!("housing/preprocessor.json");
    let hyperparameters = serde_json::json!({ "preprocessor": specification });
    fs::write(configuration.join("hyperparameters.json"), hyperparameters.to_string()).expect("a file");

    // The same as `byoc train --base-dir FOLDER`.
    let model_dir = folder.join("model");
    let config = Config {
        task: Task::Tree(folder),
        output: Output::Folder(model_dir.clone()),
        threads: 1,
        memory: 1 << 30,
        all_memory: 1 << 31,
        is_interactive: false,
    };
    run(&config).expect("a fitted preprocessor");

    println!("\n{}", fs::read_to_string(model_dir.join("preprocessor.json")).expect("the file"));
    let model = Artifact::find(&model_dir)
        .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
        .expect("the model");
    let body = "1993,2728,6,3.0,0.7,1,y,y\n";
    let invocation = Invocation {
        content_type: Some("text/csv"),
        accept: Some("text/csv"),
        default_accept: None,
        body: body.as_bytes(),
    };
    let answer = model.invoke(invocation, &Allowance::unbounded()).expect("features").into_body();
    println!("{body}becomes\n{}", String::from_utf8_lossy(&answer));
}

fn row(house: &House) -> String {
    let answer = |yes: bool| if yes { "y" } else { "n" };
    let numbers: Vec<String> = house.numbers.iter().map(f64::to_string).collect();
    format!("{},{},{}", numbers.join(","), answer(house.front_porch), answer(house.deck))
}

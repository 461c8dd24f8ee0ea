//! The batch job of the housing walk-through, end to end: fits a preprocessor on houses with their prices, transforms
//! the houses, trains a linear learner on part of the answers, and serves it.
//!
//! `cargo run --release --example housing_batch`
//!
//! Each step is a command of `byoc`. Called with a command, this program is `byoc` itself.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "an example prints its steps"
)]

#[path = "housing/houses.rs"]
mod houses;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use houses::{CITIES, House};
use serde_json::{Value, json};

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        return byoc::cli::main(std::env::args_os());
    }
    let begun = Instant::now();
    let work = tempfile::tempdir().expect("a temporary folder");
    let work = work.path();
    let step = |text: &str| println!("{:>6.2} s  {text}", begun.elapsed().as_secs_f64());

    // Generate one file for each city, with the price last: the channel of the first training job.
    let fitting = work.join("fitting");
    let houses = fitting.join("input/data/train");
    fs::create_dir_all(&houses).expect("a folder");
    for (index, city) in CITIES.iter().enumerate() {
        let lines: String = houses::houses(index).iter().map(line).collect();
        fs::write(houses.join(format!("{city}.csv")), lines).expect("a file");
    }
    step("generated 1,000 houses for each of ten cities");

    // Fit: examples/housing/preprocessor.json is the hyperparameter.
    let specification = include_str!("housing/preprocessor.json");
    train_in(&fitting, &json!({ "preprocessor": specification }), &json!({ "train": channel("text/csv") }));
    step("fitted the preprocessor on them");

    // Transform: the job is the JSON of CreateTransformJob.
    let features = work.join("features");
    let transform = Command::new(std::env::current_exe().expect("this program"))
        .args(["transform", "--job", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/housing/transform.json")])
        .arg("--model")
        .arg(fitting.join("model"))
        .arg("--input")
        .arg(&houses)
        // These files have no header line.
        .args(["--content-type", "text/csv"])
        .arg("--output")
        .arg(&features)
        .args(["--log-level", "warning"])
        .status();
    assert!(transform.expect("it runs").success());
    step("transformed them: ten features each, the price first");

    // Split, train and serve, for one city.
    let city = CITIES[2];
    let lines = fs::read_to_string(features.join(format!("{city}.csv.out"))).expect("the job wrote it");
    let lines: Vec<&str> = lines.lines().collect();
    let (known, test) = lines.split_at(lines.len() * 9 / 10);
    let (train, validation) = known.split_at(known.len() * 7 / 10);
    let training = work.join("training");
    for (name, lines) in [("train", train), ("validation", validation)] {
        let folder = training.join("input/data").join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("part.csv"), lines.join("\n")).expect("a file");
    }
    let hyperparameters = json!({
        "predictor_type": "regressor", "loss": "absolute_loss", "mini_batch_size": "100", "epochs": "10",
        "feature_dim": "10"
    });
    let labelled = channel("text/csv;label_size=1");
    train_in(&training, &hyperparameters, &json!({ "train": labelled, "validation": labelled }));
    step(&format!("trained a linear learner on {} houses of {city}", train.len()));

    let (mut server, address) = serve(&training.join("model"));
    let rows: String = test.iter().map(|line| line.split_once(',').expect("a label").1.to_owned() + "\n").collect();
    let scores = post(&address, &rows);
    let _ = server.kill();
    let _ = server.wait();
    let prices = test.iter().map(|line| line.split(',').next().and_then(|price| price.parse::<f64>().ok()));
    let scores = scores.lines().map(|score| score.parse::<f64>().ok());
    let errors: Vec<f64> =
        prices.zip(scores).map(|(price, score)| (price.expect("a price") - score.expect("a score")).abs()).collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    step(&format!("served it: the prices of {} unseen houses are off by ${mean:.2} on average", errors.len()));
    assert_eq!(errors.len(), test.len());
    assert!(mean < 50.0, "the prices are a linear formula");
    ExitCode::SUCCESS
}

/// A house as a line of CSV, as the walk-through's notebook writes it.
fn line(house: &House) -> String {
    let answer = |yes: bool| if yes { "y" } else { "n" };
    let numbers: Vec<String> = house.numbers.iter().map(f64::to_string).collect();
    format!("{},{},{},{}\n", numbers.join(","), answer(house.front_porch), answer(house.deck), house.price())
}

/// A channel of a training job's inputdataconfig.json.
fn channel(content_type: &str) -> Value {
    json!({ "TrainingInputMode": "File", "ContentType": content_type })
}

/// Runs `byoc train` in SageMaker's training folders, which contain the data already.
fn train_in(tree: &Path, hyperparameters: &Value, channels: &Value) {
    let config = tree.join("input/config");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("hyperparameters.json"), hyperparameters.to_string()).expect("a file");
    fs::write(config.join("inputdataconfig.json"), channels.to_string()).expect("a file");
    let train = Command::new(std::env::current_exe().expect("this program"))
        .args(["train", "--log-level", "error", "--base-dir"])
        .arg(tree)
        .stdout(Stdio::null())
        .status();
    assert!(train.expect("it runs").success());
}

/// Serves a model on a free port.
fn serve(model: &Path) -> (Child, String) {
    let mut server = Command::new(std::env::current_exe().expect("this program"))
        .args(["serve", "--host", "127.0.0.1", "--port", "0", "--model-dir"])
        .arg(model)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut log = BufReader::new(server.stderr.take().expect("its log")).lines().map_while(Result::ok);
    let address = log.find_map(|line| Some(line.split_once("listening on http://")?.1.trim().to_owned()));
    log.find(|line| line.contains("loaded"));
    std::thread::spawn(move || log.count());
    (server, address.expect("it listens"))
}

/// The answer to rows of CSV, over a plain socket.
fn post(address: &str, rows: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/csv\r\nAccept: text/csv\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        rows.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(rows.as_bytes())).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.split_once("\r\n\r\n").expect("an answer").1.to_owned()
}

//! `byoc train` as the platform runs it: a tree, a process, an exit code; and what it does when it is told to stop.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::json;

use super::support::program::byoc;

/// A tree with hyperparameters and one channel, and the folder of its data.
fn tree(mode: &str, hyperparameters: serde_json::Value) -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    let config = base.path().join("input/config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::create_dir_all(base.path().join("input/data/train")).unwrap();
    std::fs::write(config.join("hyperparameters.json"), hyperparameters.to_string()).unwrap();
    let channels = json!({ "train": { "TrainingInputMode": mode, "ContentType": "text/csv" } });
    std::fs::write(config.join("inputdataconfig.json"), channels.to_string()).unwrap();
    let resources = json!({ "current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0" });
    std::fs::write(config.join("resourceconfig.json"), resources.to_string()).unwrap();
    base
}

fn rows(count: usize) -> String {
    (0..count).map(|row| format!("{},{},{}\n", row % 2, row % 7, row % 5)).collect()
}

fn start(base: &Path) -> Child {
    let mut command = byoc(&["train", "--base-dir", base.to_str().unwrap()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_job_ends_with_0_and_a_model_or_with_another_code_and_a_failure_file() {
    let good = tree("File", json!({ "predictor_type": "binary_classifier", "mini_batch_size": "10", "epochs": "2" }));
    std::fs::write(good.path().join("input/data/train/part"), rows(100)).unwrap();
    let done = start(good.path()).wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(good.path().join("model/model_algo-1").is_file());
    assert!(!good.path().join("output/failure").exists());
    let log = String::from_utf8(done.stdout).unwrap();
    assert!(log.contains(
        "#quality_metric: host=algo-1, epoch=1, train binary_classification_cross_entropy_objective <loss>="
    ));

    let bad = tree("File", json!({ "predictor_type": "binary_classifier", "epochs": "none" }));
    let done = start(bad.path()).wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(78));
    let reason = std::fs::read_to_string(bad.path().join("output/failure")).unwrap();
    assert!(reason.starts_with("epochs is \"none\": expected a whole number from 1"), "{reason}");
}

#[test]
fn told_to_stop_in_the_middle_of_an_epoch_it_writes_the_best_model_so_far() {
    let base = tree(
        "Pipe",
        json!({ "predictor_type": "binary_classifier", "mini_batch_size": "10", "epochs": "1000",
            "early_stopping_patience": "1000" }),
    );
    // No room is left for rows, so each epoch has a FIFO of its own.
    let fifo = |walk: usize| base.path().join(format!("input/data/train_{walk}"));
    for walk in 0..4 {
        assert!(std::process::Command::new("mkfifo").arg(fifo(walk)).status().unwrap().success());
    }
    let mut command = byoc(&["train", "--base-dir", base.path().to_str().unwrap(), "--memory", "0"]);
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The scaler's walk, one whole epoch, and one that never ends.
    for walk in 0..2 {
        std::fs::write(fifo(walk), rows(100)).unwrap();
    }
    let mut endless = std::fs::OpenOptions::new().write(true).open(fifo(2)).unwrap();
    endless.write_all(rows(30).as_bytes()).unwrap();
    let mut log = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("epoch=0, train")));
    let told = std::process::Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(told.success());
    // Choosing the winner takes one more walk, over data that come or do not.
    drop(endless);
    let rest: Vec<_> = log.collect();
    let mut errors = String::new();
    process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    let status = process.wait().unwrap();
    assert!(status.success(), "{status} {errors} {rest:#?}");
    assert!(base.path().join("model/model_algo-1").is_file());
    assert!(errors.contains("told to stop"), "{errors}");
}

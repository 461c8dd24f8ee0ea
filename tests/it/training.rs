//! `byoc train` as SageMaker runs it: its folders, its exit codes and failure file, and how it stops on a signal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::json;

use super::support::program::{Container, byoc};

/// SageMaker's folders with hyperparameters and one channel, and the folder of its data.
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
fn a_job_exits_with_0_and_writes_a_model_or_fails_and_writes_a_failure_file() {
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
fn a_job_stopped_in_the_middle_of_an_epoch_writes_the_best_model_so_far() {
    let base = tree(
        "Pipe",
        json!({ "predictor_type": "binary_classifier", "mini_batch_size": "10", "epochs": "1000",
            "early_stopping_patience": "1000" }),
    );
    // No rows are kept in memory, so each pass reads its own FIFO.
    let fifo = |pass: usize| base.path().join(format!("input/data/train_{pass}"));
    for pass in 0..4 {
        assert!(std::process::Command::new("mkfifo").arg(fifo(pass)).status().unwrap().success());
    }
    let mut command = byoc(&["train", "--base-dir", base.path().to_str().unwrap(), "--memory", "0"]);
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The scaler's pass, one whole epoch, and one that never ends.
    for pass in 0..2 {
        std::fs::write(fifo(pass), rows(100)).unwrap();
    }
    let mut endless = std::fs::OpenOptions::new().write(true).open(fifo(2)).unwrap();
    endless.write_all(rows(30).as_bytes()).unwrap();
    let mut log = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("epoch=0, train")));
    let signalled = std::process::Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    // Choosing the best model takes one more pass, whose data may never arrive.
    drop(endless);
    let rest: Vec<_> = log.collect();
    let mut errors = String::new();
    process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    let status = process.wait().unwrap();
    assert!(status.success(), "{status} {errors} {rest:#?}");
    assert!(base.path().join("model/model_algo-1").is_file());
    assert!(errors.contains("told to stop"), "{errors}");
}

/// Runs a line of shell that gets the command line of `byoc train` as its arguments.
fn in_shell(line: &str, base: &Path) -> (Option<i32>, String) {
    let program = byoc(&[]);
    let output = std::process::Command::new("sh")
        .args(["-c", line, "sh"])
        .arg(program.get_program())
        .args(["train", "--threads", "2", "--base-dir"])
        .arg(base)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_model_that_does_not_fit_in_memory_exits_with_71_and_writes_a_failure_file() {
    use byoc_formats::media_types::recordio::write_record;
    for (shape, line) in [
        (1_000_000_000_000, "exec \"$@\""),
        (1 << 63, "exec \"$@\""),
        (u64::MAX, "exec \"$@\""),
        // The machine has the memory, but the limit of the process is lower.
        (1 << 24, "ulimit -v 2000000; exec \"$@\""),
    ] {
        let base = tree("File", json!({ "predictor_type": "regressor", "mini_batch_size": "10" }));
        std::fs::write(base.path().join("input/config/inputdataconfig.json"), r#"{"train": {}}"#).unwrap();
        let mut bytes = Vec::new();
        for row in 0..20_u16 {
            let values = [f32::from(row)];
            write_record(&mut bytes, &[("values", (&values, &[3], &[shape]))], &[("values", (&values, &[], &[]))]);
        }
        std::fs::write(base.path().join("input/data/train/part"), bytes).unwrap();
        let (code, stderr) = in_shell(line, base.path());
        assert_eq!(code, Some(71), "{shape}: {stderr}");
        let reason = std::fs::read_to_string(base.path().join("output/failure")).unwrap();
        assert!(reason.contains(&format!("of {shape} features and 1 output takes ")), "{reason}");
        assert!(stderr.contains("lower what the message names"), "{stderr}");
    }
}

#[test]
fn a_pipe_without_data_is_reported_and_a_stop_ends_the_wait() {
    let base = tree("Pipe", json!({ "predictor_type": "binary_classifier", "mini_batch_size": "10" }));
    let mut process = start(base.path());
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = log.find(|line| line.contains("waiting for the pipe")).unwrap();
    assert!(line.contains("input/data/train_0 for 1 s: it is not there"), "{line}");
    let signalled = std::process::Command::new("kill").args(["-HUP", &process.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let rest: Vec<_> = log.collect();
    assert_eq!(process.wait().unwrap().code(), Some(75), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("told to stop before there was a model")), "{rest:?}");
    let reason = std::fs::read_to_string(base.path().join("output/failure")).unwrap();
    assert_eq!(reason, "told to stop before there was a model: nothing is written");
}

#[test]
fn a_full_disk_at_the_end_leaves_no_partial_file_and_one_message() {
    let base = tree("File", json!({ "predictor_type": "regressor", "mini_batch_size": "10", "epochs": "1" }));
    let wide: String = (0..20).map(|row| format!("{row}{}\n", ",1".repeat(1000))).collect();
    std::fs::write(base.path().join("input/data/train/part"), wide).unwrap();
    // Files are limited to a few blocks. The shell ignores the signal that would kill the process for exceeding that.
    let (code, stderr) = in_shell("trap '' XFSZ; ulimit -f 3; exec \"$@\"", base.path());
    assert_eq!(code, Some(74), "{stderr}");
    assert!(stderr.contains("byoc: could not write ") && !stderr.contains("ZipWriter"), "{stderr}");
    assert_eq!(std::fs::read_dir(base.path().join("model")).unwrap().count(), 0);
    assert!(base.path().join("output/failure").is_file());
}

#[test]
fn hyperparameters_without_effect_cause_a_warning_and_hints_are_about_training() {
    let base = tree("File", json!({ "predictor_type": "regressor", "quantile": "0.9", "mini_batch_size": "10" }));
    std::fs::write(base.path().join("input/data/train/part"), "1,2\n3,4\n").unwrap();
    let done = start(base.path()).wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(65), "{stderr}");
    assert!(stderr.contains("WARN") && stderr.contains("quantile is \"0.9\", which has an effect only"), "{stderr}");
    assert!(stderr.contains("byoc: correct the data of the channel"), "{stderr}");
}

/// Runs `byoc train` with these arguments, in a folder.
fn train_in(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = byoc(&["train"]);
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const REGRESSOR: [&str; 4] = ["--hp", "predictor_type=regressor", "--hp", "mini_batch_size=10"];

#[test]
fn files_with_a_header_line_train_the_same_model_as_sagemakers_folders_and_it_is_served() {
    let data: String = (0..100).map(|row| format!("{},{row},{}\n", 2 * row + row % 5, row % 5)).collect();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, text) in [("plain.csv", data.clone()), ("named/a.csv", format!("y,a,b\n{data}"))] {
        std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        std::fs::write(at(name), text).unwrap();
    }
    let of_tree = tree("File", json!({ "predictor_type": "regressor", "mini_batch_size": "10" }));
    std::fs::write(of_tree.path().join("input/data/train/part"), &data).unwrap();
    assert!(start(of_tree.path()).wait_with_output().unwrap().status.success());
    let expected = std::fs::read(of_tree.path().join("model/model_algo-1")).unwrap();

    let named = ["--content-type", "text/csv;header=present"];
    for (arguments, output) in [
        ([&["--train", "plain.csv", "--output", "plain"][..], &REGRESSOR].concat(), "plain/model_algo-1"),
        ([&["--train", "named"][..], &named, &REGRESSOR].concat(), "model/model_algo-1"),
    ] {
        let (code, stderr) = train_in(folder.path(), &arguments);
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(std::fs::read(at(output)).unwrap(), expected, "{arguments:?}");
    }
    let packed = ["--train", "named", "--validation", "named/a.csv", "--output", "x/model.tar.gz"];
    let (code, stderr) = train_in(folder.path(), &[&packed[..], &named, &REGRESSOR].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(std::fs::read_dir(at("x")).unwrap().count(), 1);
    assert!(!at("output").exists(), "the failure file belongs to SageMaker's folders only");
    let archive = at("x/model.tar.gz");
    let container = Container::ready(&["--model-dir", archive.to_str().unwrap()], &[]);
    let score = container.invoke("text/csv", "50,0").json()["predictions"][0]["score"].as_f64().unwrap();
    assert!((score - 100.0).abs() < 1.0, "{score}");
}

#[test]
fn a_header_line_is_checked_in_each_file_and_counts_as_row_1() {
    let folder = tempfile::tempdir().unwrap();
    for (files, content_type, expected) in [
        (&[("a", "y,a,b\n1,2,3\n")][..], "text/csv", "a: row 1: this looks like"),
        (&[("a", "y,a,b\n1,2,3\n")], "text/csv", "--content-type of byoc train, to text/csv;header=present"),
        (&[("a", "1,2,3\n")], "text/csv;header=present", "expected a line of the names of the columns"),
        (&[("a", "y,a\n1,2\n"), ("b", "a,y\n2,1\n")], "text/csv;header=present", "in its order, y,a, found a,y"),
        (&[("a", "y,a,b\n1,2\n")], "text/csv;header=present", "a: row 2: expected 3"),
        (&[("a", "y,a,b\n1,2\n")], "text/csv;header=present", "expected 3 columns as in the header line"),
        (
            &[("a", "y,a\n1,2\n1,x\n")],
            "text/csv;header=present",
            "a: row 3, column 2 (a), byte 10: expected a number, found \"x\" (a linear learner",
        ),
        (&[("a", "y,a\n1,2\n")], "text/csv;header=yes", "expected header=present or header=absent"),
    ] {
        let data = tempfile::tempdir_in(folder.path()).unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(data.path().join(name), text).unwrap());
        let arguments = ["--train", data.path().to_str().unwrap(), "--content-type", content_type];
        let (code, stderr) = train_in(folder.path(), &[&arguments[..], &REGRESSOR].concat());
        assert!(code == Some(65) || code == Some(78), "{code:?} {stderr}");
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
}

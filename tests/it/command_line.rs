//! The command line as a new user sees it.

use std::os::unix::process::CommandExt as _;
use std::process::{Output, Stdio};

use crate::support::program::byoc;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    byoc(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_and_version_are_printed_with_exit_code_0() {
    for (arguments, expected) in [
        (&["--help"][..], &["Usage: byoc <COMMAND>", "endpoint", "inspect", "serve", "train", "transform"][..]),
        (&["serve", "--help"], &["Usage: byoc serve [OPTIONS]", "--model-dir <PATH>", "[env: SM_MODEL_DIR]"]),
        (&["endpoint", "--help"], &["Usage: byoc endpoint [OPTIONS]", "--config <FILE>", "BYOC_ENDPOINT_CONFIG"]),
        (&["--version"], &[concat!("byoc ", env!("CARGO_PKG_VERSION"), "\n")]),
    ] {
        let output = run(arguments, &[]);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{arguments:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for part in expected {
            assert!(text.contains(part), "{arguments:?} does not print {part:?}:\n{text}");
        }
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_of_help_and_of_training() {
    let folder = tempfile::tempdir().unwrap();
    let (data, model) = (folder.path().join("data.csv"), folder.path().join("model"));
    std::fs::write(&data, "1,2\n2,3\n3,4\n".repeat(400)).unwrap();
    let (data, model) = (data.to_str().unwrap(), model.to_str().unwrap());
    let train = [
        ["train", "--train", data, "--output", model, "--content-type", "text/csv"].as_slice(),
        &["--hp", "predictor_type=regressor", "--hp", "epochs=1", "--hp", "mini_batch_size=100"],
    ]
    .concat();
    for arguments in [&["--help"][..], &["serve", "--help"], &["licenses"], &train] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = byoc(arguments).stdin(Stdio::null()).stdout(full).output().unwrap();
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(74), "{arguments:?}: {stderr}");
        assert!(stderr.contains("could not write to standard output") && stderr.contains("free space"), "{stderr}");
    }
}

#[test]
fn an_unknown_command_or_flag_or_no_command_is_a_usage_error() {
    for arguments in [&["fly"][..], &["serve", "--wings"], &[]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("Usage"), "{}", stderr(&output));
    }
}

#[test]
fn every_wrong_setting_is_reported_with_its_source() {
    let output = run(&["serve", "--port", "http"], &[("SAGEMAKER_MODEL_SERVER_WORKERS", "many")]);
    assert_eq!(output.status.code(), Some(78));
    let message = stderr(&output);
    for part in ["2 settings are wrong", "--port is \"http\"", "SAGEMAKER_MODEL_SERVER_WORKERS is \"many\""] {
        assert!(message.contains(part), "{part} is missing from\n{message}");
    }
}

#[test]
fn a_port_that_is_in_use_is_reported_in_plain_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["serve", "--multi-model", "--host", "127.0.0.1", "--port", &port], &[]);
    assert_eq!(output.status.code(), Some(74));
    assert!(stderr(&output).contains("another program has the port"), "{}", stderr(&output));
}

#[test]
fn called_by_the_name_serve_the_program_serves() {
    let mut command = byoc(&[]);
    command.arg0("/usr/local/bin/serve").args(["--port", "none"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let mut child = byoc(&["serve", "--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_missing_or_misspelt_option_is_suggested() {
    for (arguments, tip) in [
        (&["serve", "model.tar.gz"][..], "did you mean --model-dir model.tar.gz?"),
        (&["serve", "--port", "0", "models/a"], "did you mean --model-dir models/a?"),
        (&["transform", "model"], "did you mean --model model?"),
        (&["train", "train.csv"], "did you mean --train train.csv?"),
        (&["endpoint", "endpoint.json"], "did you mean --config endpoint.json?"),
        (&["inspect", "--model-dir", "m.joblib"], "did you mean byoc inspect m.joblib?"),
        (&["s3://bucket/model.tar.gz"], "byoc serve --model-dir s3://bucket/model.tar.gz, or byoc inspect s3://"),
        (
            &["train", "--train", "n.csv", "--predictor_type", "regressor"],
            "did you mean --hp predictor_type=regressor?",
        ),
        (&["train", "--predictor-type=regressor"], "did you mean --hp predictor_type=regressor?"),
        (&["train", "--mini-batch-size", "--train", "n.csv"], "did you mean --hp mini_batch_size=VALUE?"),
        (&["train", "--l1", "0.5"], "did you mean --hp l1=0.5?"),
        (&["train", "--preprocessor", "@p.json"], "did you mean --hp preprocessor=@p.json?"),
        (&["train", "--trian", "n.csv"], "'--train'"),
        (&["serve", "--model-dri", "x"], "'--model-dir'"),
        (&["sevre"], "'serve'"),
    ] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(stderr(&output).contains(tip), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_missing_path_is_reported_with_the_files_of_its_folder_the_nearest_name_first() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["another.txt", "model.joblib"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let at = folder.path().canonicalize().unwrap().display().to_string();
    for arguments in [
        &["inspect", "modle.joblib"][..],
        &["serve", "--port", "0", "--model-dir", "modle.joblib"],
        &["train", "--train", "modle.joblib"],
        &["transform", "--model", "modle.joblib", "--input", ".", "--output", "out"],
    ] {
        let output = byoc(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(66), "{arguments:?}: {said}");
        let expected = format!(
            "there is nothing at {at}/modle.joblib: did you mean {at}/model.joblib? {at} has model.joblib, another.txt"
        );
        assert!(said.contains(&expected), "{arguments:?}: {said}");
        assert!(arguments[0] == "serve" || !said.contains("--model-dir"), "{arguments:?}: {said}");
    }
}

#[test]
fn an_s3_server_that_refuses_connections_and_missing_credentials_are_reported() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let credentials = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_ENDPOINT_URL_S3", &endpoint)];
    let url = "s3://bucket/model.tar.gz";
    for arguments in [
        &["inspect", url][..],
        &["serve", "--port", "0", "--model-dir", url],
        &["transform", "--model", url, "--input", "Cargo.toml", "--output", "/tmp/none"],
    ] {
        let output = run(arguments, &credentials);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(75), "{arguments:?}: {said}");
        assert!(said.contains(&format!("{endpoint} refused the connection")), "{arguments:?}: {said}");
        for misleading in ["QUEUE", "Generic", "retries"] {
            assert!(!said.contains(misleading), "{arguments:?}: {said}");
        }
        assert!(said.lines().last().unwrap().contains("AWS_ENDPOINT_URL_S3"), "{said}");
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("no AWS credentials"), "{}", stderr(&output));
    }
    let output = run(&["serve", "--port", "0", "--model-dir", "gs://bucket/model"], &[]);
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
    assert!(stderr(&output).contains("--model-dir is \"gs://bucket/model\""), "{}", stderr(&output));
}

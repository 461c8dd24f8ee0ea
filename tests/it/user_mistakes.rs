//! Mistakes on the command line, and the messages that users get.

use std::process::{Output, Stdio};

use crate::support::program::{Container, byoc};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    byoc(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_different_kind_of_model_in_the_output_folder_is_refused_before_training_and_named_by_serve() {
    let base = tempfile::tempdir().unwrap();
    let at = |name: &str| base.path().join(name).to_str().unwrap().to_owned();
    let rows: String = (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 5, row % 3)).collect();
    std::fs::write(at("train.csv"), rows).unwrap();
    let specification = r#"{"version": 1, "columns": ["a", "b", "c"], "transformer": {"StandardScaler": {}}}"#;
    std::fs::write(at("p.json"), specification).unwrap();
    let (train, output, preprocessor) = (at("train.csv"), at("model"), format!("preprocessor=@{}", at("p.json")));
    let learner = ["train", "--train", &train, "--output", &output, "--hp", "predictor_type=regressor"];
    let done = run(&[&learner[..], &["--hp", "mini_batch_size=10"]].concat(), &[]);
    assert!(done.status.success(), "{}", stderr(&done));
    let done = run(&["train", "--train", &train, "--output", &output, "--hp", &preprocessor], &[]);
    assert_eq!(done.status.code(), Some(78), "{}", stderr(&done));
    assert!(stderr(&done).contains("has another model already (model_algo-1)"), "{}", stderr(&done));
    assert!(!base.path().join("model/preprocessor.json").exists());
    // A model of the same kind is replaced.
    let done = run(&[&learner[..], &["--hp", "mini_batch_size=20"]].concat(), &[]);
    assert!(done.status.success(), "{}", stderr(&done));

    std::fs::write(at("model/other.joblib"), "").unwrap();
    let seen = run(&["inspect", &output], &[]);
    let page = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(page.contains("other models in this folder, not served: other.joblib"), "{page}");
    let seen = run(&["inspect", "--json", &output], &[]);
    let json: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(json["passed_over"], serde_json::json!(["other.joblib"]));
    let mut container = Container::ready(&["--model-dir", &output], &[]);
    let line = container.wait_for_log("several models in");
    assert!(line.contains("model_algo-1 is loaded, and passed over: other.joblib"), "{line}");
}

#[test]
fn inspect_shows_whole_paths_and_reports_a_wrong_command_line_also_as_json() {
    let base = tempfile::tempdir().unwrap();
    let long = base.path().join("x".repeat(90));
    std::fs::create_dir(&long).unwrap();
    std::fs::write(long.join("bad-model.tar.gz"), "text").unwrap();
    let output = run(&["inspect", base.path().to_str().unwrap()], &[]);
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains(&format!("{}/bad-model.tar.gz:", "x".repeat(90))), "{page}");
    assert!(page.contains(long.to_str().unwrap()) && !page.contains('…'), "{page}");

    let output = run(&["inspect", "--json"], &[]);
    assert_eq!(output.status.code(), Some(64));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["error"]["exit_code"], 64);
    assert!(json["error"]["message"].as_str().unwrap().contains("<PATH>"), "{json}");
    assert!(run(&["inspect"], &[]).stdout.is_empty());
}

#[test]
fn a_suggested_path_works() {
    for (path, expected) in [
        ("examples/housing/preprocesor/model.tar.gz", "did you mean {at}/examples/housing/preprocessor/model.tar.gz?"),
        ("examples/housing/models", "give its path, {at}/examples/housing/models/Chicago_IL/Chicago_IL.tar.gz;"),
    ] {
        let expected = expected.replace("{at}", env!("CARGO_MANIFEST_DIR"));
        let output = run(&["serve", "--port", "0", "--model-dir", path], &[]);
        assert!(stderr(&output).contains(&expected), "{path}: {}", stderr(&output));
    }
}

#[test]
fn an_s3_endpoint_url_without_a_scheme_is_a_wrong_setting_for_every_command() {
    let credentials = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let url = "s3://bucket/model.tar.gz";
    for arguments in [
        &["inspect", url][..],
        &["serve", "--port", "0", "--model-dir", url],
        &["transform", "--model", url, "--input", "Cargo.toml", "--output", "/tmp/none"],
        &["transform", "--model", "tests", "--input", "s3://bucket/in/", "--output", "/tmp/none"],
    ] {
        for variable in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"] {
            let output = run(arguments, &[&credentials[..], &[(variable, "localhost:5555")]].concat());
            assert_eq!(output.status.code(), Some(78), "{arguments:?}: {}", stderr(&output));
            let expected = format!("{variable}: expected http://HOST:PORT or https://HOST, found \"localhost:5555\"");
            assert!(stderr(&output).contains(&expected), "{arguments:?}: {}", stderr(&output));
        }
    }
}

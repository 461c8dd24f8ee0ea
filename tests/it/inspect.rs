//! `byoc inspect`: its text and its JSON.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::artifacts::{fixture, linear_learner, model_dir, scikit_learn};
use crate::support::program::byoc;

const PREPROCESSOR: &str = "examples/housing/preprocessor/model.tar.gz";
const CHICAGO: &str = "examples/housing/models/Chicago_IL/Chicago_IL.tar.gz";

fn inspect(arguments: &[&str]) -> Output {
    let mut command = byoc(&["inspect"]);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    let output = inspect(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&[arguments, &["--json"]].concat())).unwrap()
}

fn refused(arguments: &[&str], code: i32) -> String {
    let output = inspect(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_text_of_a_preprocessor_is_at_most_100_columns_wide() {
    let words = text(&[PREPROCESSOR]);
    for part in [
        "scikit-learn preprocessor, made by scikit-learn 1.4.2",
        "a row: 8 columns: YEAR_BUILT,",
        "a row may have its label PRICE, last",
        "numeric: StandardScaler, 6 columns to 6 features",
        "FRONT_PORCH: 'n', 'y'",
        "10 features: numeric__YEAR_BUILT,",
    ] {
        assert!(words.contains(part), "{part} is missing from\n{words}");
    }
    assert!(words.lines().all(|line| line.chars().count() <= 100), "{words}");
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let folder = scikit_learn("1.6.1/standard_numpy");
    let directory = folder.path().to_str().unwrap();
    let columns = r#"{"columns": ["a\u001b[2J\r\u009b", "b\u202e\u2028\u007fc"]}"#;
    std::fs::write(folder.path().join("columns.json"), columns).unwrap();
    let is_control = |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{2028}'].contains(&c);
    let words = text(&[directory]);
    assert!(!words.contains(is_control), "{words:?}");
    assert!(words.contains(r"a\u{1b}[2J\r\u{9b}, b\u{202e}\u{2028}\u{7f}c"), "{words}");
    let document = text(&[directory, "--json"]);
    assert!(!document.contains(is_control), "{document:?}");
    assert!(document.contains(r#""b\u202e\u2028\u007fc""#), "{document}");
    // The message of an error escapes them in the path as well.
    let said = refused(&["/nowhere/\u{1b}]0;title\u{7}\r\u{202e}"], 66);
    assert!(said.contains(r"/nowhere/\u{1b}]0;title\u{7}\r\u{202e}"), "{said:?}");
    assert!(!said.contains(is_control), "{said:?}");
}

#[test]
fn an_archive_and_its_unpacked_folder_are_described_alike() {
    let folder = linear_learner("multiclass_4");
    let directory = model_dir(&folder);
    let unpacked = json_of(&[&directory]);
    let file = json_of(&[&format!("{directory}/model_algo-1")]);
    let archive = fixture("linear-learner/multiclass_4/model.tar.gz");
    let packed = json_of(&[archive.to_str().unwrap()]);
    assert_eq!(unpacked, file);
    assert_eq!(unpacked["linear_learner"], packed["linear_learner"]);
    assert_eq!(packed["files"][0]["name"], "model.tar.gz");
    assert_eq!(unpacked["linear_learner"]["classes"], 4);
    assert_eq!(unpacked["linear_learner"]["outputs"].as_array().unwrap().len(), 4);
    assert!(unpacked["memory_bytes"].as_u64().unwrap() > 100);
}

#[test]
fn weights_get_the_names_of_the_preprocessors_output() {
    let words = text(&[CHICAGO, "--preprocessor", PREPROCESSOR]);
    let lines: Vec<&str> = words.lines().map(str::trim).collect();
    let weights = lines.iter().position(|line| *line == "weights, the largest first").unwrap();
    assert!(lines[weights + 2].starts_with("bias "), "{words}");
    assert!(lines[weights + 3].starts_with("numeric__SQUARE_FEET "), "{words}");
    let learner = &json_of(&[CHICAGO, "--preprocessor", PREPROCESSOR])["linear_learner"];
    assert_eq!(learner["features"][1], "numeric__SQUARE_FEET");
    assert_eq!(learner["outputs"][0]["weights"].as_array().unwrap().len(), 10);
    assert_eq!(json_of(&[CHICAGO])["linear_learner"]["features"], Value::Null);
}

#[test]
fn a_preprocessor_with_a_different_number_of_features_is_refused_with_both_counts() {
    let folder = scikit_learn("1.6.1/abalone");
    let message = refused(&[CHICAGO, "--preprocessor", &model_dir(&folder)], 65);
    assert!(message.contains("the 10 features of the linear learner, found 11"), "{message}");
    let message = refused(&[CHICAGO, "--preprocessor", CHICAGO], 65);
    assert!(message.contains("expected a preprocessor, found a linear learner; give the preprocessor"), "{message}");
    assert!(!message.contains("create or copy the artifact again"), "{message}");
    let message = refused(&[PREPROCESSOR, "--preprocessor", PREPROCESSOR], 64);
    assert!(message.contains("weights of a linear learner"), "{message}");
}

#[test]
fn a_scorer_shows_the_coefficients_of_its_features_and_its_classes() {
    let folder = scikit_learn("1.6.1/model_multinomial");
    let scorer = &json_of(&[&model_dir(&folder)])["scorer"];
    let classes = scorer["classes"].as_array().unwrap();
    assert!(classes.len() > 2, "{scorer}");
    assert_eq!(scorer["method"], "predict");
    assert_eq!(scorer["json"], "list");
    let features = scorer["features"].as_array().unwrap().len();
    for (output, class) in scorer["outputs"].as_array().unwrap().iter().zip(classes) {
        assert_eq!(&output["class"], class);
        assert_eq!(output["coefficients"].as_array().unwrap().len(), features);
    }
    let words = text(&[&model_dir(&folder)]);
    assert!(words.contains("coefficients, the largest first") && words.contains("intercept"), "{words}");
}

#[test]
fn a_file_that_is_not_an_artifact_is_refused_with_its_name_and_what_was_expected() {
    let readme = fixture("sklearn/README.md");
    let message = refused(&[readme.to_str().unwrap()], 65);
    assert!(message.contains("README.md: expected a model's folder, a model.tar.gz"), "{message}");
    let message = refused(&["no/such/model.joblib"], 66);
    assert!(message.contains("there is nothing at /") && message.contains("no/such/model.joblib"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("model.tar.gz");
    std::fs::write(&broken, b"not an archive").unwrap();
    let message = refused(&[broken.to_str().unwrap()], 65);
    assert!(message.contains("model.tar.gz: "), "{message}");
}

#[test]
fn a_reader_that_closes_the_pipe_is_not_a_failure() {
    let case = fixture("sklearn/1.6.1/quantile/model.joblib");
    let mut child = byoc(&["inspect", "--json", case.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json!(""), json!(String::from_utf8_lossy(&output.stderr)));
}

#[test]
fn a_refused_artifact_is_shown_as_far_as_it_was_read_as_text_and_as_json() {
    let nested = fixture("pickle/unsupported/nested_pca.joblib");
    let nested = nested.to_str().unwrap();
    let output = inspect(&[nested]);
    assert_eq!(output.status.code(), Some(65));
    let (words, reason) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    for part in [
        "refused; made by scikit-learn 1.9.1",
        "scale: StandardScaler, 2 columns",
        "shrink: PCA (sklearn.decomposition._pca.PCA, not read)",
        "price: Ridge",
    ] {
        assert!(words.contains(part), "{part} is missing from\n{words}");
    }
    assert!(words.lines().all(|line| line.chars().count() <= 100), "{words}");
    assert!(reason.contains("sklearn.decomposition._pca.PCA, which is not supported"), "{reason}");
    assert!(
        reason.contains("keep its own container and put that behind the endpoint: --container NAME=URL"),
        "{reason}"
    );
    assert!(!reason.contains("damaged"), "{reason}");

    let output = inspect(&[nested, "--json"]);
    assert_eq!(output.status.code(), Some(65));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["exit_code"], 65);
    assert!(reason.contains(document["error"]["message"].as_str().unwrap()), "{document}");
    let shrink = &document["refused"]["transformer"]["parts"][0]["parts"][0]["parts"][1];
    assert_eq!((&shrink["class"], &shrink["not_read"]), (&json!("PCA"), &json!("sklearn.decomposition._pca.PCA")));
}

#[test]
fn with_json_every_failure_is_a_json_document() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.joblib");
    let whole = std::fs::read(fixture("sklearn/1.6.1/standard_numpy/model.joblib")).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let pointer = folder.path().join("pointer.tar.gz");
    std::fs::write(&pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n").unwrap();
    for (path, code, said) in [
        (broken.to_str().unwrap(), 65, "cut off"),
        (pointer.to_str().unwrap(), 65, "git lfs pull"),
        ("no/such/model.joblib", 66, "there is nothing at"),
        ("README.md", 65, "found text"),
    ] {
        let output = inspect(&[path, "--json"]);
        assert_eq!(output.status.code(), Some(code), "{path}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["error"]["exit_code"], code, "{document}");
        assert!(document["error"]["message"].as_str().unwrap().contains(said), "{document}");
        assert!(!document["error"]["hint"].as_str().unwrap().is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(said));
    }
}

#[test]
fn each_archive_of_a_folder_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let houses = "examples/housing/models";
    std::fs::create_dir(folder.path().join("Chicago_IL")).unwrap();
    std::fs::copy(CHICAGO, folder.path().join("Chicago_IL/Chicago_IL.tar.gz")).unwrap();
    let words = text(&[houses]);
    assert!(words.starts_with("3 archives in "), "{words}");
    assert!(words.contains("  Chicago_IL/Chicago_IL.tar.gz: linear learner: regressor, 10 features, "), "{words}");
    let document = json_of(&[houses]);
    assert_eq!(document["models"].as_array().map(Vec::len), Some(3));
    assert_eq!(document["models"][0]["linear_learner"]["feature_dim"], 10);

    std::fs::write(folder.path().join("a.tar.gz"), "no archive").unwrap();
    let output = inspect(&[folder.path().to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(65));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["models"][1]["name"], "a.tar.gz");
    assert!(document["models"][1]["error"]["message"].as_str().unwrap().contains("found text"), "{document}");
    let output = inspect(&[folder.path().to_str().unwrap()]);
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains("a.tar.gz: refused: "), "{words}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.tar.gz"));
}

#[test]
fn scripts_that_are_not_run_are_named() {
    let folder = scikit_learn("1.6.1/standard_numpy");
    std::fs::create_dir(folder.path().join("code")).unwrap();
    let script = "import joblib\n\ndef input_fn(body, content_type):\n    ...\ndef predict_fn(data, model):\n    ...\n";
    std::fs::write(folder.path().join("code/inference.py"), script).unwrap();
    let directory = folder.path().to_str().unwrap();
    let words = text(&[directory]);
    assert!(words.contains("  not run: code/inference.py, which defines input_fn, predict_fn\n"), "{words}");
    let expected = json!([{"file": "code/inference.py", "defines": ["input_fn", "predict_fn"]}]);
    assert_eq!(json_of(&[directory])["not_run"], expected);
}

#[test]
fn the_reason_for_refusing_every_request_is_shown_in_full() {
    let folder = scikit_learn("1.6.1/standard_numpy");
    std::fs::write(folder.path().join("columns.json"), r#"{"columns": ["a"]}"#).unwrap();
    let words = text(&[folder.path().to_str().unwrap()]);
    let reason = json_of(&[folder.path().to_str().unwrap()])["preprocessor"]["refusal"].as_str().unwrap().to_owned();
    assert!(reason.len() > 60, "{reason}");
    let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&format!("every request is refused: {reason}")), "{reason}\n{words}");
}

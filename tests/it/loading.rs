//! Models that are refused when they are loaded: the reason, the exit code, and the hint.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::artifacts::{fixture, fixture_text, model_dir, scikit_learn};
use crate::support::program::{Container, Endpoint, byoc};

const COLUMNS_DO_NOT_FIT: &[&str] = &[r#"{"columns": ["a"]}"#, r#"{"columns": ["a", "b", "c", "d"]}"#];
const NO_COLUMNS: &[&str] = &["[]", r#"{"columns": ["a", "b", "b"]}"#];

/// The error of `byoc serve` and `byoc inspect` for a path. Both must end with the same exit code.
fn refused(path: &Path) -> String {
    let path = path.to_str().unwrap();
    let mut container = Container::start(&["--model-dir", path], &[]);
    container.wait_for_log("byoc: ");
    assert_eq!(container.wait().code(), Some(65), "{path}");
    let output = byoc(&["inspect", path]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(65), "{path}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn columns_that_fail_every_request_cause_a_warning_at_load_and_are_shown_by_inspect() {
    let folder = scikit_learn("1.6.1/standard_numpy");
    let path = model_dir(&folder);
    for columns in COLUMNS_DO_NOT_FIT {
        fs::write(folder.path().join("columns.json"), columns).unwrap();
        let mut container = Container::ready(&["--model-dir", &path], &[]);
        container.wait_for_log("every request will be refused: columns.json does not fit the model: ");
        let message = container.invoke("text/csv", "1,2\n").error(400, "BadRequestException");
        assert!(message.contains("the model was fitted on"), "{columns}: {message}");
        let output = byoc(&["inspect", &path]).stdin(Stdio::null()).output().unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.contains("every request is refused: columns.json does not fit"), "{columns}: {page}");
    }
    for columns in NO_COLUMNS {
        fs::write(folder.path().join("columns.json"), columns).unwrap();
        let message = refused(folder.path());
        assert!(message.contains("columns.json"), "{columns}: {message}");
        assert!(message.contains("byoc: correct columns.json, or remove it"), "{columns}: {message}");
    }
    let multi_model = Container::start(&["--multi-model"], &[]);
    let message = multi_model.load("m", folder.path()).error(500, "InvalidModelException");
    assert!(message.contains("columns.json"), "{message}");
    fs::write(folder.path().join("columns.json"), r#"{"columns": ["a", "b"], "label": "y"}"#).unwrap();
    assert_eq!(multi_model.load("m", folder.path()).status, 200);
    assert_eq!(multi_model.post("/models/m/invoke", &[("content-type", "text/csv")], "1,2\n").status, 200);
}

#[test]
fn each_error_has_a_matching_hint() {
    let two_models = tempfile::tempdir().unwrap();
    for name in ["a.joblib", "b.joblib"] {
        fs::copy(fixture("sklearn/1.6.1/standard_numpy/model.joblib"), two_models.path().join(name)).unwrap();
    }
    let edited = tempfile::tempdir().unwrap();
    fs::write(edited.path().join("preprocessor.json"), "{\"version\": 1}").unwrap();
    let unsupported = fixture("pickle/unsupported/bayesian_ridge.joblib");
    let damaged = tempfile::tempdir().unwrap();
    let whole = fs::read(fixture("sklearn/1.6.1/standard_numpy/model.joblib")).unwrap();
    fs::write(damaged.path().join("model.joblib"), &whole[..whole.len() / 2]).unwrap();
    for (path, reason, hint) in [
        (two_models.path(), "2 models in", "leave one model there"),
        (edited.path(), "preprocessor.json: missing field", "correct it where the message says"),
        (
            &unsupported,
            "step \"price\": the file names sklearn.linear_model._bayes.BayesianRidge",
            "docs/scikit-learn.md lists the supported classes",
        ),
        (damaged.path(), "model.joblib", "create or copy the artifact again"),
    ] {
        let message = refused(path);
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 2, "{message}");
        assert!(lines[0].contains(reason) && lines[1].contains(hint), "{message}");
    }
    let svc = scikit_learn("1.6.1/model_svc");
    let mut container = Container::start(&["--model-dir", &model_dir(&svc), "--method", "predict_proba"], &[]);
    container.wait_for_log("the method is predict_proba, which it does not have");
    container.wait_for_log("byoc: name another method with --method");
    assert_eq!(container.wait().code(), Some(65));
}

#[test]
fn a_single_pickle_file_is_served_with_the_columns_json_beside_it() {
    let folder = scikit_learn("1.4.2/housing");
    let file = folder.path().join("model.joblib");
    let lone = Container::ready(&["--model-dir", file.to_str().unwrap()], &[]);
    let whole = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let body = fixture_text("sklearn/1.4.2/housing/input.csv");
    assert_eq!(lone.invoke("text/csv", &body).text(), whole.invoke("text/csv", &body).text());
}

#[test]
fn a_file_that_is_not_a_model_is_refused_by_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, found) in [
        ("model.zip", &b"PK\x03\x04rest"[..], "found a zip archive"),
        ("model.tar.gz", b"PK\x03\x04rest", "found a zip archive"),
        ("README", b"a text", "found text"),
        ("other.json", b"{}", "found JSON"),
        ("empty.tar", b"", "found an empty file"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let message = refused(&path);
        assert!(message.contains(found) && message.contains("expected a model's folder, a model.tar.gz"), "{message}");
        assert!(message.contains("byoc: put one model there"), "{message}");
    }
}

#[test]
fn an_unsupported_model_is_not_called_damaged_and_the_alternative_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    };
    let dict = write("dict.joblib", b"\x80\x04}\x8c\x05modelK\x01s.");
    let booster = write("booster.pkl", b"\x80\x04cxgboost.core\nBooster\n)\x81.");
    let means = write("kmeans/model_algo-1", &[&b"\x12\x01"[..], &[0; 94]].concat());
    let forest = write("forest.pkl", b"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81.");
    let alternative = "keep its own container and put that behind the endpoint: --container NAME=URL";
    for (path, said) in [
        (&dict, "the file holds a dict of 1 item"),
        (&booster, "xgboost.core.Booster, which is not supported"),
        (&means, "parameters of MXNet, as SageMaker's K-Means, PCA"),
        (&forest, "supported estimators are ElasticNet"),
    ] {
        let message = refused(path);
        assert!(message.contains(said) && message.contains(alternative), "{message}");
        assert!(!message.contains("damaged"), "{message}");
    }
    for name in ["pointer.joblib", "pointer.tar.gz", "lfs/model_algo-1", "preprocessor.json"] {
        let pointer = write(name, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n");
        let message = refused(&pointer);
        assert!(message.contains("Git LFS pointer") && message.contains("git lfs pull"), "{name}: {message}");
    }
}

#[test]
fn scripts_next_to_a_model_cause_a_warning_and_the_model_is_served() {
    let folder = scikit_learn("1.6.1/standard_numpy");
    fs::create_dir(folder.path().join("code")).unwrap();
    fs::write(folder.path().join("code/inference.py"), "def predict_fn(data, model):\n    return 1\n").unwrap();
    let directory = model_dir(&folder);
    let mut container = Container::start(&["--model-dir", &directory], &[("SAGEMAKER_PROGRAM", "inference.py")]);
    container.wait_for_log("SAGEMAKER_PROGRAM=inference.py: byoc runs no script");
    container.wait_for_log("code/inference.py (predict_fn) is not run");
    container.wait_for_log("--container NAME=URL");
    let multi_model = &mut Container::start(&["--multi-model"], &[]);
    assert_eq!(multi_model.load("m", folder.path()).status, 200);
    multi_model.wait_for_log("model m: code/inference.py (predict_fn) is not run");
}

#[test]
fn an_endpoint_serves_a_model_that_is_a_single_file() {
    let folder = scikit_learn("1.4.2/housing");
    let model = folder.path().join("model.joblib");
    let body = fixture_text("sklearn/1.4.2/housing/input.csv");
    let csv = [("content-type", "text/csv"), ("accept", "text/csv")];
    let container = Container::ready(&["--model-dir", model.to_str().unwrap()], &[]);
    let expected = container.post("/invocations", &csv, body.as_str()).text().to_owned();
    let config = folder.path().join("endpoint.json");
    let target =
        [("content-type", "text/csv"), ("accept", "text/csv"), ("x-amzn-sagemaker-target-model", "model.joblib")];
    for (container, headers) in [
        (serde_json::json!({"Image": "i", "ModelDataUrl": "./model.joblib"}), &csv[..]),
        (serde_json::json!({"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "./"}), &target),
    ] {
        let model = serde_json::json!({"EndpointName": "e", "ModelName": "m", "PrimaryContainer": container});
        fs::write(&config, model.to_string()).unwrap();
        let endpoint = Endpoint::ready(&config);
        let reply = endpoint.client().send("POST", "/endpoints/e/invocations", headers, body.as_bytes());
        assert_eq!((reply.status, reply.text()), (200, &*expected));
    }
}

#[test]
fn a_skops_model_is_served_and_inspected_and_recognised_by_its_bytes() {
    let whole = |ending: &str| fixture(&format!("skops/0.16.0-columns.{ending}"));
    let body = fs::read_to_string(whole("csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut answers = Vec::new();
    for name in ["model.skops", "model.pkl", "model"] {
        let file = folder.path().join(name);
        fs::copy(whole("skops"), &file).unwrap();
        for path in [file.to_str().unwrap(), folder.path().to_str().unwrap()] {
            let container = Container::ready(&["--model-dir", path], &[]);
            answers.push(container.invoke("text/csv", &body).text().to_owned());
            let output = byoc(&["inspect", path]).stdin(Stdio::null()).output().unwrap();
            let page = String::from_utf8(output.stdout).unwrap();
            assert!(page.contains("ColumnTransformer") && page.contains("1.9.1"), "{page}");
        }
        fs::remove_file(&file).unwrap();
    }
    assert!(
        answers.iter().all(|answer| answer.matches("features").count() == 5 && *answer == answers[0]),
        "{answers:?}"
    );
    let cut = folder.path().join("model.skops");
    let bytes = fs::read(whole("skops")).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 30]).unwrap();
    let message = refused(&cut);
    assert!(message.contains("a model of skops whose zip archive is cut off or damaged"), "{message}");
}

#[test]
fn a_plain_pickle_without_an_ending_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fixture("sklearn/1.6.1/housing_plain_pickle");
    fs::copy(whole.join("model.joblib"), folder.path().join("sklearn-model")).unwrap();
    fs::copy(whole.join("columns.json"), folder.path().join("columns.json")).unwrap();
    let container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let body = fixture_text("sklearn/1.6.1/housing_plain_pickle/input.csv");
    assert_eq!(container.invoke("text/csv", &body).status, 200);
}

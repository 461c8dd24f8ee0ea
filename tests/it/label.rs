//! Which column of a row is the label: set by `columns.json`, `BYOC_LABEL` or `--label`, or guessed.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::support::artifacts::{model_dir, model_folder, scikit_learn};
use crate::support::program::{Container, byoc};

const HOUSE: &str = "1993,2728,6,3.0,0.7,1,y,y";
/// The preprocessor of the housing example, fitted with PRICE as its ninth column.
const HOUSING: &str = "1.4.2/housing";

fn housing(columns_json: Option<&str>) -> tempfile::TempDir {
    let folder = scikit_learn(HOUSING);
    match columns_json {
        Some(json) => fs::write(folder.path().join("columns.json"), json).unwrap(),
        None => fs::remove_file(folder.path().join("columns.json")).unwrap(),
    }
    folder
}

/// The number of values in the answer to a row, or the status of a refusal.
fn width(container: &Container, row: &str) -> Result<usize, u16> {
    let reply = container.post("/invocations", &[("content-type", "text/csv"), ("accept", "text/csv")], row);
    if reply.status == 200 { Ok(reply.text().split(',').count()) } else { Err(reply.status) }
}

#[test]
fn the_label_flag_overrides_the_variable_and_the_variable_overrides_columns_json() {
    let (short, long) = (HOUSE.to_owned(), format!("{HOUSE},429700"));
    let first = format!("429700,{HOUSE}");
    let text = format!("{HOUSE},sold");
    for (json, variable, flag, expected) in [
        (None, None, None, [Ok(10), Ok(11), Err(400), Ok(10)]),
        (Some("{\"label\": null}"), None, None, [Err(400), Ok(10), Err(400), Ok(10)]),
        (Some("{\"label\": null}"), Some("PRICE"), None, [Ok(10), Ok(11), Err(400), Err(400)]),
        (Some("{\"label\": \"PRICE\"}"), Some("none"), None, [Err(400), Ok(10), Err(400), Ok(10)]),
        (Some("{\"label\": \"none\"}"), None, None, [Err(400), Ok(10), Err(400), Ok(10)]),
        (Some("{\"label\": \"last\"}"), None, None, [Ok(10), Ok(11), Err(400), Err(400)]),
        (Some("{\"label\": \"last\"}"), None, Some("none"), [Err(400), Ok(10), Err(400), Ok(10)]),
        (Some("{\"label\": \"first\"}"), None, None, [Ok(10), Err(400), Ok(11), Err(400)]),
        (None, Some("none"), Some("PRICE"), [Ok(10), Ok(11), Err(400), Err(400)]),
        (None, None, Some("last"), [Ok(10), Ok(11), Err(400), Err(400)]),
        (None, Some("last"), Some("first"), [Ok(10), Err(400), Ok(11), Err(400)]),
        (None, Some("nonsense"), Some("none"), [Err(400), Ok(10), Err(400), Ok(10)]),
    ] {
        let folder = housing(json);
        let dir = model_dir(&folder);
        let arguments: Vec<&str> =
            ["--model-dir", &dir].into_iter().chain(flag.iter().flat_map(|flag| ["--label", flag])).collect();
        let environment: Vec<(&str, &str)> = variable.iter().map(|variable| ("BYOC_LABEL", *variable)).collect();
        let container = Container::ready(&arguments, &environment);
        let found = [&short, &long, &first, &text].map(|row| width(&container, row));
        assert_eq!(found, expected, "{json:?} {variable:?} {flag:?}");
    }
}

#[test]
fn a_label_that_is_not_a_column_exits_with_78_and_suggests_the_nearest_name() {
    let folder = housing(None);
    for (arguments, environment, source) in [
        (vec!["--label", "PRCE"], vec![], "--label"),
        (vec![], vec![("BYOC_LABEL", "PRCE")], "environment variable BYOC_LABEL"),
    ] {
        let dir = model_dir(&folder);
        for command in [vec!["serve", "--port", "0", "--model-dir", &dir], vec!["inspect", &dir]] {
            let output =
                byoc(&command).args(&arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output();
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{command:?} {said}");
            let expected = format!(
                "{source} is \"PRCE\": no column of the model has that name; did you mean PRICE? \
                 Its columns are PRICE, "
            );
            assert!(said.contains(&expected), "{said}");
            let far = byoc(&command).args(["--label", "nonsense"]).stdin(Stdio::null()).output().unwrap();
            let far = String::from_utf8_lossy(&far.stderr).into_owned();
            assert!(far.contains("no column of the model has that name; its columns are "), "{far}");
            assert!(said.contains("rows with a label that the model was not fitted on, say first or last"), "{said}");
        }
    }
}

#[test]
fn in_multi_model_mode_a_wrong_label_fails_the_load() {
    let folder = housing(None);
    let other = scikit_learn("1.6.1/standard_numpy");
    let variables = [("SAGEMAKER_MULTI_MODEL", "true"), ("BYOC_LABEL", "PRICE")];
    let container = Container::start(&[], &variables);
    assert_eq!(container.load("houses", &model_folder(&folder)).status, 200);
    fs::remove_file(other.path().join("columns.json")).unwrap();
    let reply = container.load("numbers", &model_folder(&other));
    assert_eq!(reply.status, 500);
    assert!(
        reply.text().contains("BYOC_LABEL is \\\"PRICE\\\": the columns of the model have no names"),
        "{}",
        reply.text()
    );
    let answer = container.post("/models/houses/invoke", &[("content-type", "text/csv")], format!("{HOUSE},1"));
    assert_eq!(answer.status, 200);
}

#[test]
fn the_log_and_inspect_say_that_a_label_is_guessed_and_how_to_set_it() {
    let folder = housing(None);
    let dir = model_dir(&folder);
    let mut container = Container::ready(&["--model-dir", &dir], &[]);
    let line = container.wait_for_log("the column PRICE is treated as the label");
    assert!(line.contains("--label none (BYOC_LABEL=none,") && line.contains("--label PRICE"), "{line}");
    let inspect = |more: &[&str]| {
        let output = byoc(&["inspect", &dir]).args(more).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let words = inspect(&[]);
    assert!(
        words.contains("a row may have its label PRICE, last (guessed)") && words.contains("--label none"),
        "{words}"
    );
    let label = |more: &[&str]| {
        let json: serde_json::Value = serde_json::from_str(&inspect(&[&["--json"], more].concat())).unwrap();
        json["preprocessor"]["label"].clone()
    };
    let guessed = label(&[]);
    assert_eq!(
        (&guessed["name"], &guessed["position"], &guessed["guessed"]),
        (&json!("PRICE"), &json!("last"), &json!(true))
    );
    assert!(guessed["note"].as_str().unwrap().contains("--label none"), "{guessed}");
    let said = json!({"name": "PRICE", "position": "last", "guessed": false, "note": null});
    assert_eq!(label(&["--label", "PRICE"]), said);
    assert_eq!(label(&["--label", "none"]), json!(null));
}

#[test]
fn the_environment_of_create_model_sets_the_label_of_a_batch_job() {
    let folder = housing(None);
    let job = tempfile::tempdir().unwrap();
    let path = |name: &str| job.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("in")).unwrap();
    fs::write(path("in/rows.csv"), format!("{HOUSE},429700\n{HOUSE},1\n")).unwrap();
    for (label, columns) in [("none", 10), ("PRICE", 11)] {
        let model = json!({"ModelName": "houses", "PrimaryContainer": {
            "Image": "byoc", "ModelDataUrl": format!("file://{}", model_dir(&folder)),
            "Environment": {"BYOC_LABEL": label}}});
        fs::write(path("model.json"), model.to_string()).unwrap();
        let out = path(label);
        let output = byoc(&["transform", "--model", &path("model.json"), "--input", &path("in"), "--output", &out])
            .args(["--content-type", "text/csv", "--accept", "text/csv"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer = fs::read_to_string(format!("{out}/rows.csv.out")).unwrap();
        assert!(answer.lines().all(|line| line.split(',').count() == columns), "{label}: {answer}");
    }
}

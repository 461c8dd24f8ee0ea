//! Column types: how settings give them, which setting wins, and a job whose payloads imply different types for a
//! column.

use std::fs;
use std::process::{Output, Stdio};

use tempfile::TempDir;

use crate::support::artifacts::{fixture, model_dir};
use crate::support::program::{Container, byoc};

/// A model folder with the artifact of a case below `tests/fixtures` and the given `columns.json`.
fn model(case: &str, columns: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture(case).join("model.joblib"), folder.path().join("model.joblib")).unwrap();
    fs::write(folder.path().join("columns.json"), columns).unwrap();
    folder
}

/// A one-hot encoder of one column `i` with the integers 1, 2 and 3. It encodes other values as zeros.
const CODES: &str = "sklearn/1.9.1/ohe_int_vs_text";

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    byoc(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_dtypes_flag_overrides_the_variable_and_the_variable_overrides_columns_json() {
    let folder = model(CODES, r#"{"columns": ["i"], "dtypes": {"i": "str"}}"#);
    let variable = ("BYOC_DTYPES", r#"{"i": "float64"}"#);
    let flag = ["--dtypes", r#"{"i": "int64"}"#];
    let answers = |flags: &[&str], environment: &[(&str, &str)]| {
        let folder = model_dir(&folder);
        let container = Container::ready(&[&["--model-dir", &folder], flags].concat(), environment);
        ["1\n", "1.5\n", "1\nx\n"].map(|body| {
            let reply = container.post("/invocations", &[("content-type", "text/csv"), ("accept", "text/csv")], body);
            if reply.status == 200 { reply.text().to_owned() } else { reply.error(400, "BadRequestException") }
        })
    };
    let [one, fraction, text] = answers(&[], &[]);
    assert_eq!((&*one, &*fraction, &*text), ("0.0,0.0,0.0\n", "0.0,0.0,0.0\n", "0.0,0.0,0.0\n0.0,0.0,0.0\n"));
    let [one, fraction, text] = answers(&[], &[variable]);
    assert_eq!((&*one, &*fraction), ("1.0,0.0,0.0\n", "0.0,0.0,0.0\n"));
    assert!(
        text.contains("row 2, column 1 (i), byte 2: expected a number, since the column is read as float64"),
        "{text}"
    );
    let [one, fraction, _] = answers(&flag, &[variable]);
    assert_eq!(one, "1.0,0.0,0.0\n");
    assert!(fraction.contains("row 1, column 1 (i), byte 0: expected a whole number"), "{fraction}");
}

#[test]
fn a_wrong_column_or_type_is_reported_with_its_source_and_the_nearest_name() {
    let folder = model(CODES, r#"{"columns": ["index"]}"#);
    let folder = model_dir(&folder);
    for (dtypes, expected) in [
        (r#"{"indx": "str"}"#, "--dtypes: indx: no column of the model has this name; did you mean index?"),
        (r#"{"index": "object"}"#, "--dtypes is \"{\\\"index\\\": \\\"object\\\"}\": index: expected \"str\""),
        (
            "index=str",
            "--dtypes is \"index=str\": line 1, column 1: this is not JSON (expected a value, found \"index\"): \
             expected an object such as {\"zip\": \"str\"",
        ),
    ] {
        let output = run(&["serve", "--model-dir", &folder, "--port", "0", "--dtypes", dtypes], &[]);
        assert_eq!(output.status.code(), Some(78), "{dtypes}: {}", errors(&output));
        assert!(errors(&output).contains(expected), "{dtypes}: {}", errors(&output));
    }
    let output = run(&["serve", "--model-dir", &folder, "--port", "0"], &[("BYOC_DTYPES", r#"{"0": "str"}"#)]);
    assert_eq!(output.status.code(), Some(78));
    assert!(errors(&output).contains("environment variable BYOC_DTYPES: 0: no column"), "{}", errors(&output));
    let other = model(CODES, r#"{"columns": ["i"], "dtypes": {"j": "str"}}"#);
    let output = run(&["serve", "--model-dir", &model_dir(&other), "--port", "0"], &[]);
    assert_eq!(output.status.code(), Some(65), "{}", errors(&output));
    assert!(
        errors(&output).contains("columns.json: dtypes: j: no column of the model has this name"),
        "{}",
        errors(&output)
    );
}

#[test]
fn inspect_shows_which_types_come_from_settings_and_which_from_the_fit() {
    let case = fixture("text-columns/1.2.2/indicated");
    let columns = r#"{"columns": ["age", "zip", "mixed", "truth", "contract", "token", "decimal"],
        "dtypes": {"age": "float64"}}"#;
    let folder = model("text-columns/1.2.2/one_hot", columns);
    let output = run(&["inspect", &model_dir(&folder)], &[]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("  read as str, since it was fitted on text: zip, truth\n"), "{page}");
    assert!(page.contains("  read as float64, as dtypes says: age\n"), "{page}");
    let expected = "  text in all columns, not a missing value, as in pandas when the model was fitted: \"None\"\n";
    assert!(page.contains(expected), "{page}");
    let output = run(&["inspect", "--json", case.to_str().unwrap()], &[]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let read_as = &said["preprocessor"]["read_as"];
    assert_eq!(read_as[0]["column"], "zip", "{read_as}");
    assert_eq!((&read_as[0]["dtype"], &read_as[0]["by"]), (&"str".into(), &"fitted".into()));
}

#[test]
fn the_log_and_inspect_name_text_columns_whose_values_may_look_like_numbers() {
    let note = "column mixed was fitted on text, some of which looks like numbers";
    let advice = r#"--dtypes '{"mixed":"str"}' (BYOC_DTYPES, or {"dtypes": {"mixed":"str"}} in a columns.json"#;
    let undecided = model("text-columns/1.9.1/mixed", r#"{"columns": ["mixed", "zip"], "label": null}"#);
    let dir = model_dir(&undecided);
    let mut container = Container::ready(&["--model-dir", &dir], &[]);
    let line = container.wait_for_log(note);
    assert!(line.contains("WARN") && line.contains(advice), "{line}");
    let page =
        |arguments: &[&str]| String::from_utf8(run(&[&["inspect", &dir], arguments].concat(), &[]).stdout).unwrap();
    let words = page(&[]);
    assert!(words.contains(note) && words.contains("read as str, since it was fitted on text: zip\n"), "{words}");
    let json = |arguments: &[&str]| -> serde_json::Value { serde_json::from_str(&page(arguments)).unwrap() };
    let said = json(&["--json"]);
    assert!(said["preprocessor"]["undecided_types"].as_str().unwrap().contains(advice), "{said}");
    // Nothing is undecided if a setting or the fit determines the type.
    let told = json(&["--json", "--dtypes", r#"{"mixed": "str"}"#]);
    assert_eq!(told["preprocessor"]["undecided_types"], serde_json::Value::Null, "{told}");
    let shown = fixture("text-columns/1.9.1/word_among_zips");
    let page = String::from_utf8(run(&["inspect", shown.to_str().unwrap()], &[]).stdout).unwrap();
    assert!(page.contains("since it was fitted on text: zip\n") && !page.contains("some looks like"), "{page}");
}

#[test]
fn a_job_warns_once_if_payloads_imply_different_types_and_a_setting_applies_to_all_of_them() {
    let folder = model(CODES, r#"{"columns": ["i"]}"#);
    let job = tempfile::tempdir().unwrap();
    fs::write(job.path().join("in.csv"), "1\n2\nx\n3\ny\n").unwrap();
    let path = |name: &str| job.path().join(name).to_str().unwrap().to_owned();
    let transform = |output: &str, more: &[&str]| {
        let (input, output, model) = (path("in.csv"), path(output), model_dir(&folder));
        let mut arguments = vec!["transform", "--model", &model, "--input", &input, "--output", &output];
        arguments.extend(["--content-type", "text/csv", "--accept", "text/csv", "--split-type", "Line"]);
        arguments.extend(["--batch-strategy", "SingleRecord", "--assemble-with", "Line"]);
        arguments.extend(more);
        run(&arguments, &[])
    };
    let done = transform("guessed", &[]);
    assert_eq!(done.status.code(), Some(0), "{}", errors(&done));
    let warning = "column i: this payload of the job has text there, an earlier one has numbers";
    assert_eq!(errors(&done).matches(warning).count(), 1, "{}", errors(&done));

    // The commas inside a JSON value do not separate variables.
    let done = transform("said", &["--environment", r#"BYOC_DTYPES={"i": "str"},UNUSED=1"#]);
    assert_eq!(done.status.code(), Some(0), "{}", errors(&done));
    assert!(!errors(&done).contains("this payload of the job has"), "{}", errors(&done));
    let said = fs::read_to_string(path("said/in.csv.out")).unwrap();
    assert_eq!(said, "0.0,0.0,0.0\n".repeat(5));
    let guessed = fs::read_to_string(path("guessed/in.csv.out")).unwrap();
    assert!(guessed.starts_with("1.0,0.0,0.0\n"), "{guessed}");
}

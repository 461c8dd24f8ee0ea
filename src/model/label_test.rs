//! Tests rows with and without a label, in several media types, with artifacts of several scikit-learn versions. The
//! expected answers are in tests/fixtures/label.

use super::*;
use crate::error::Cause;
use crate::error::Result;
use base64::Engine as _;
use byoc_account::Allowance;
use byoc_sklearn::preprocessor::Overrides;
use byoc_sklearn::preprocessor::{Dtypes, LabelChoice, LabelSetting};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;

/// A folder with the artifact of a case of tests/fixtures/label, and a `columns.json` if one is given.
fn fixture(version: &str, name: &str, columns_json: Option<&str>) -> tempfile::TempDir {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/label/{version}.json"));
    let document: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let case = document["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let artifact = base64::engine::general_purpose::STANDARD.decode(case["joblib"].as_str().unwrap()).unwrap();
    fs::write(folder.path().join("model.joblib"), artifact).unwrap();
    if let Some(json) = columns_json {
        fs::write(folder.path().join("columns.json"), json).unwrap();
    }
    folder
}

/// Loads a model, with `--label` if it is given.
fn load(folder: &Path, label: Option<&str>) -> Result<Model> {
    let setting = |label| LabelSetting { choice: LabelChoice::parse(label), source: "--label".to_owned() };
    let overrides = Overrides { label: label.map(setting), ..Overrides::default() };
    Artifact::find(folder)?.load(&overrides, &Allowance::unbounded())
}

fn ask(model: &Model, content_type: &str, body: &str) -> Result<String> {
    let (content_type, accept) = (Some(content_type), Some("text/csv"));
    let answer = model.invoke(
        Invocation { content_type, accept, default_accept: None, body: body.as_bytes() },
        &Allowance::unbounded(),
    )?;
    Ok(String::from_utf8(answer.into_body()).unwrap())
}

/// Whether two CSV texts have the same numbers, except for rounding.
fn is_same(found: &str, expected: &str) -> bool {
    let cells = |text: &str| -> Vec<Vec<f64>> {
        text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect()
    };
    let (found, expected) = (cells(found), cells(expected));
    found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| {
            found.len() == expected.len()
                && found
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0))
        })
}

/// A CSV field as a JSON value.
fn value(field: &str) -> Json {
    serde_json::from_str(field).unwrap_or_else(|_| json!(field))
}

/// The same rows in other media types, each with its body.
fn forms(body: &str, columns: Option<Vec<&str>>, is_label_named: bool) -> Vec<(&'static str, String)> {
    let rows: Vec<Vec<Json>> = body.lines().map(|line| line.split(',').map(value).collect()).collect();
    let instances: Vec<Json> = rows.iter().map(|row| json!({ "features": row })).collect();
    let lines: String = instances.iter().map(|instance| format!("{instance}\n")).collect();
    let mut forms =
        vec![("application/json", json!({ "instances": instances }).to_string()), ("application/jsonlines", lines)];
    let Some(columns) = columns else { return forms };
    forms.push(("text/csv; header=present", format!("{}\n{body}", columns.join(","))));
    if is_label_named {
        let named = |row: Vec<Json>| Json::Object(columns.iter().map(|name| (*name).to_owned()).zip(row).collect());
        let named: Vec<Json> = rows.into_iter().map(named).collect();
        forms.push(("application/json", json!({ "instances": named }).to_string()));
    }
    forms
}

#[test]
fn rows_may_have_a_set_or_guessed_label_and_otherwise_get_scikit_learns_answer() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/label");
    let (mut answers, mut refusals, mut wrong) = (0, 0, Vec::new());
    for file in fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let document: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let version = document["scikit-learn"].as_str().unwrap();
        for case in document["cases"].as_array().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            let artifact = base64::engine::general_purpose::STANDARD.decode(case["joblib"].as_str().unwrap()).unwrap();
            fs::write(folder.path().join("model.joblib"), artifact).unwrap();
            for asked in case["asked"].as_array().unwrap() {
                let (label, body) = (asked["label"].as_str(), asked["body"].as_str().unwrap());
                let model = load(folder.path(), label).unwrap();
                let case_name = format!("{version} {} --label {label:?}: {body}", case["name"]);
                let Some(expected) = asked["answer"].as_str() else {
                    refusals += 1;
                    match ask(&model, "text/csv", body) {
                        Err(error) if error.cause() == Cause::BadPayload => {}
                        other => wrong.push(format!("{case_name}expected a refusal, found {other:?}")),
                    }
                    continue;
                };
                let columns = asked["columns"].as_array();
                let columns = columns.map(|columns| columns.iter().map(|name| name.as_str().unwrap()).collect());
                let is_label_named = !matches!(label, Some("first" | "last"));
                for (content_type, body) in
                    [vec![("text/csv", body.to_owned())], forms(body, columns, is_label_named)].concat()
                {
                    answers += 1;
                    match ask(&model, content_type, &body) {
                        Ok(found) if is_same(&found, expected) => {}
                        other => {
                            wrong.push(format!("{case_name}{content_type} {body}\nexpected {expected}found {other:?}"))
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {answers} and {refusals}\n{}", wrong.len(), wrong.join("\n"));
    assert!(answers > 1500 && refusals > 200, "{answers} answers, {refusals} refusals");
}

const CSV: &str = "text/csv";
const JSON: &str = "application/json";
const LINES: &str = "application/jsonlines";

#[test]
fn a_request_without_numbers_in_the_guessed_label_column_gets_scikit_learns_output() {
    for version in ["0.24.2", "1.0.2", "1.9.1"] {
        for (name, content_type, body) in [
            ("left_last", CSV, "2.5,y,\n"),
            ("left_last", CSV, "2.5,y,NA\n3,x,\n"),
            ("left_last", CSV, "2.5,y,True\n"),
            ("left_last", JSON, r#"[[2.5, "y", null]]"#),
            ("left_last", JSON, r#"[{"y": null, "a": 2.5, "c": "y"}, {"a": 3, "c": "x"}]"#),
            ("left_last", LINES, "{\"features\": [2.5, \"y\", null]}\n{\"features\": [3, \"x\", null]}"),
            ("left_first", CSV, ",2.5,y\n"),
            ("left_first", CSV, "nan,2.5,y\n,3,x\n"),
            ("left_first", JSON, r#"{"columns": ["a", "c", "y"], "data": [[2.5, "y", null]]}"#),
            ("text_last", CSV, "2.5,y,\n"),
            ("text_first", CSV, ",2.5,y\n"),
        ] {
            let folder = fixture(version, name, None);
            let found = ask(&load(folder.path(), None).unwrap(), content_type, body).unwrap();
            let expected = ask(&load(folder.path(), Some("none")).unwrap(), content_type, body).unwrap();
            assert_eq!(found, expected, "{version} {name} {body}");
            assert_eq!(found.lines().next().unwrap().split(',').count(), 4, "{version} {name} {found}");
        }
    }
}

#[test]
fn a_column_declared_as_text_or_boolean_is_not_guessed_to_be_the_label() {
    for (name, labelled, short) in [("left_last", "2.5,y,7\n", "2.5,y\n"), ("left_first", "7,2.5,y\n", "2.5,y\n")] {
        for (dtype, is_guessed) in [("str", false), ("bool", false), ("float64", true), ("int64", true)] {
            let dtypes = format!("{{\"y\": \"{dtype}\"}}");
            let in_file = fixture("1.9.1", name, Some(&format!("{{\"dtypes\": {dtypes}}}")));
            let by_flag = fixture("1.9.1", name, None);
            let setting = Dtypes::of_setting(&dtypes, "--dtypes".to_owned()).unwrap();
            let overrides = Overrides { dtypes: Some(setting), ..Overrides::default() };
            let by_flag = Artifact::find(by_flag.path()).unwrap().load(&overrides, &Allowance::unbounded()).unwrap();
            let labelled = if dtype == "bool" { &labelled.replace('7', "True") } else { labelled };
            for model in [load(in_file.path(), None).unwrap(), by_flag] {
                assert_eq!(model.assumptions().next().is_some(), is_guessed, "{name} {dtype}");
                let width = ask(&model, CSV, labelled).unwrap().split(',').count();
                assert_eq!(width, if is_guessed { 5 } else { 4 }, "{name} {dtype}");
                assert_eq!(ask(&model, CSV, short).is_ok(), is_guessed, "{name} {dtype}");
            }
        }
    }
}

/// The words mean the same as after `--label`, even if a column has such a name.
#[test]
fn first_last_and_none_mean_the_same_in_columns_json_as_after_the_flag() {
    for name in ["left_last", "left_first", "without_the_label", "scaler", "array", "scorer_without", "of_two_left"] {
        let rows = match name {
            "scaler" | "array" => ["2.5,4\n", "2.5,4,100.5\n", "100.5,2.5,4\n"],
            "of_two_left" => ["2.5,y,4\n", "2.5,y,4,100.5\n", "100.5,2.5,y,4\n"],
            _ => ["2.5,y\n", "2.5,y,100.5\n", "100.5,2.5,y\n"],
        };
        let mut answers = 0;
        for word in ["first", "last", "none"] {
            let json = format!("{{\"label\": \"{word}\"}}");
            let with_file = fixture("1.9.1", name, Some(&json));
            let model = load(with_file.path(), None).unwrap();
            let by_flag = load(fixture("1.9.1", name, None).path(), Some(word)).unwrap();
            assert_eq!(model.assumptions().next(), None, "{name} {word}");
            for row in rows {
                match (ask(&model, CSV, row), ask(&by_flag, CSV, row)) {
                    (Ok(found), Ok(expected)) => {
                        answers += 1;
                        assert_eq!(found, expected, "{name} {word} {row}");
                    }
                    (found, expected) => {
                        assert_eq!(
                            found.map_err(|e| e.cause()),
                            expected.map_err(|e| e.cause()),
                            "{name} {word} {row}"
                        );
                    }
                }
            }
        }
        assert!(answers >= 4, "{name} {answers}");
    }
    // Even if a column is named `last`; the flag overrides the file.
    let json = r#"{"columns": ["last", "b"], "label": "last"}"#;
    let array = fixture("1.9.1", "array", Some(json));
    let plain = ask(&load(array.path(), None).unwrap(), CSV, "2.5,4\n").unwrap();
    for (label, body) in [(None, "2.5,4,100.5\n"), (Some("first"), "100.5,2.5,4\n")] {
        assert_eq!(ask(&load(array.path(), label).unwrap(), CSV, body).unwrap(), format!("100.5,{plain}"));
    }
}

/// As in a DataFrame of such records, a missing label is NaN if another record has the label.
#[test]
fn an_object_may_omit_the_label_that_another_has() {
    let plain = ["-0.4364357804719848,0.0,1.0,0.0", "-0.2182178902359924,1.0,0.0,0.0"];
    let given = [r#"{"a": 2.5, "c": "y", "y": 5}"#, r#"{"y": 5, "a": 3, "c": "x"}"#];
    let left_out = [r#"{"a": 2.5, "c": "y"}"#, r#"{"a": 3, "c": "x"}"#];
    for name in ["left_last", "left_first"] {
        for label in [None, Some("y")] {
            let model = load(fixture("1.9.1", name, None).path(), label).unwrap();
            for (rows, labels) in [
                ([given[0], left_out[1]], ["5.0,", "nan,"]),
                ([left_out[0], given[1]], ["nan,", "5.0,"]),
                ([left_out[0], left_out[1]], ["", ""]),
            ] {
                let expected = format!("{}{}\n{}{}\n", labels[0], plain[0], labels[1], plain[1]);
                for (content_type, body) in [(JSON, format!("[{}]", rows.join(","))), (LINES, rows.join("\n"))] {
                    let found = ask(&model, content_type, &body).unwrap();
                    assert!(is_same(&found, &expected), "{name} {label:?} {body}: {found}");
                }
            }
        }
    }
    let scorer = load(fixture("1.9.1", "scorer", None).path(), None).unwrap();
    let expected = ask(&scorer, JSON, &format!("[{}]", left_out.join(","))).unwrap();
    for rows in [[given[0], left_out[1]], [left_out[0], given[1]]] {
        assert_eq!(ask(&scorer, JSON, &format!("[{}]", rows.join(","))).unwrap(), expected);
        assert_eq!(ask(&scorer, LINES, &rows.join("\n")).unwrap(), expected);
    }
}

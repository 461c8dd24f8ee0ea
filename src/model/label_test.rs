//! Rows with and without a label, of artifacts of every age: the answers of tests/fixtures/label, in every way that rows come.

use super::*;
use crate::error::Cause;
use crate::preprocessor::{LabelChoice, ToldLabel};
use base64::Engine as _;
use serde_json::{Value as Json, json};
use std::fs;

/// A model, and `--label` if it is said.
fn load(folder: &Path, label: Option<&str>) -> Result<Model> {
    let told = |label| ToldLabel { choice: LabelChoice::parse(label), source: "--label".to_owned() };
    let overrides = Overrides { label: label.map(told), ..Overrides::default() };
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

/// The same numbers, but for their last digits.
fn is_same(found: &str, expected: &str) -> bool {
    let cells = |text: &str| -> Vec<Vec<f64>> {
        text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect()
    };
    let (found, expected) = (cells(found), cells(expected));
    found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0))
        })
}

/// A field of CSV as JSON has it.
fn value(field: &str) -> Json {
    serde_json::from_str(field).unwrap_or_else(|_| json!(field))
}

/// The same rows in other forms.
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
fn rows_have_a_label_where_it_is_said_or_guessed_and_else_scikit_learns_answer() {
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
                let place = format!("{version} {} --label {label:?}: {body}", case["name"]);
                let Some(expected) = asked["answer"].as_str() else {
                    refusals += 1;
                    match ask(&model, "text/csv", body) {
                        Err(error) if error.cause() == Cause::BadPayload => {}
                        other => wrong.push(format!("{place}expected a refusal, found {other:?}")),
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
                            wrong.push(format!("{place}{content_type} {body}\nexpected {expected}found {other:?}"))
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {answers} and {refusals}\n{}", wrong.len(), wrong.join("\n"));
    assert!(answers > 1500 && refusals > 200, "{answers} answers, {refusals} refusals");
}

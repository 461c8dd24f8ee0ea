//! Compares the answers of every transformer to edge cases with those of scikit-learn 0.20 to 1.9, which are in
//! `tests/fixtures/edge-cases`, written by `tests/interop/edge_cases/generate.py`.

use super::{ColumnsJson, Preprocessor};
use crate::allow_list::ScikitLearn;
use crate::preprocessor::fixtures_test::{answer, cells};
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Result};
use byoc_formats::pickle;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The relative tolerance for numbers; and the absolute one for powers and logarithms, whose last digits differ between
/// platforms and remain when numbers cancel.
const TOLERANCE: f64 = 1e-12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/edge-cases")
}

/// The contents of an archive: the table, and the artifacts by their names.
struct Archive {
    table: Value,
    artifacts: HashMap<String, Vec<u8>>,
}

impl Archive {
    fn read(path: &Path) -> Archive {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
        let mut artifacts = HashMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            artifacts.insert(entry.path().unwrap().to_str().unwrap().to_owned(), content);
        }
        let table = serde_json::from_slice(&artifacts.remove("table.json").unwrap()).unwrap();
        Archive { table, artifacts }
    }
}

/// The differences, by their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    Artifact,
    Values,
    AnsweredWhereScikitLearnRaises,
    RefusedWhereScikitLearnAnswers,
}

fn preprocessor(artifact: Vec<u8>) -> Result<Preprocessor> {
    let columns = ColumnsJson::parse(br#"{"label": null}"#, &Allowance::unbounded()).unwrap();
    let tree = pickle::read(artifact, &ScikitLearn, &Allowance::unbounded())?;
    Preprocessor::from_pickle(&tree, Some(columns), &Allowance::unbounded())
}

fn near(found: &str, expected: &str, scale: f64) -> bool {
    if found == expected {
        return true;
    }
    let is_float = |text: &str| text.parse::<i64>().is_err();
    let (Ok(one), Ok(other)) = (found.parse::<f64>(), expected.parse::<f64>()) else { return false };
    is_float(found) && is_float(expected) && (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(scale)
}

fn same(found: &str, expected: &Value, scale: f64) -> bool {
    let found = cells(found);
    let expected = expected.as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let expected: Vec<String> = expected.as_array().unwrap().iter().map(text).collect();
            found.len() == expected.len() && found.iter().zip(&expected).all(|(one, other)| near(one, other, scale))
        })
}

/// The difference between byoc's and scikit-learn's answers, if there is one.
fn difference(preprocessor: &Preprocessor, body: &str, expected: &Value, scale: f64) -> Option<(Difference, String)> {
    match (answer(preprocessor, body.as_bytes()), expected) {
        (_, Value::Null) => None,
        (Err(error), Value::String(_)) if error.cause() == Cause::BadPayload => None,
        (Err(error), _) => Some((Difference::RefusedWhereScikitLearnAnswers, format!("{error}; expected {expected}"))),
        (Ok(found), Value::String(raised)) => {
            Some((Difference::AnsweredWhereScikitLearnRaises, format!("{raised}; found {found:?}")))
        }
        (Ok(found), expected) if same(&found, expected, scale) => None,
        (Ok(found), expected) => Some((Difference::Values, format!("{found:?}; expected {expected}"))),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    models: usize,
    answers: usize,
    errors: usize,
    /// Different on purpose.
    on_purpose: usize,
}

/// Differences that remain on purpose; docs/dev/compared-with-scikit-learn.md says why.
fn is_on_purpose(name: &str, columns: &str, pandas: &str) -> bool {
    let columns: Vec<&str> = columns.split(" | ").collect();
    let old_pandas = pandas.starts_with("0.") || pandas.starts_with("1.0.") || pandas.starts_with("1.1.");
    // Before 1.2, pandas converts a frame to one array before numpy's functions are applied to it.
    let of_frame = name.starts_with("FunctionTransformer(") && name.ends_with("validate=False)");
    let differ = columns.windows(2).any(|pair| pair[0] != pair[1]);
    // numpy's float16 is printed as the number that it is.
    let of_halves = name.starts_with("FunctionTransformer(log1p");
    let is_bool = |column: &&str| matches!(*column, "bool" | "only True");
    // From 1.2 on pandas applies `not` for a minus sign before a bool column, which numpy refuses.
    let negates = name == "FunctionTransformer(negative, validate=False)" && columns.iter().any(is_bool);
    of_frame && differ && old_pandas || of_halves && columns.iter().all(is_bool) || negates
}

/// The results for one version.
#[derive(Default)]
struct Report {
    counts: Counts,
    /// The differences of each model.
    differences: BTreeMap<(Difference, String), Vec<String>>,
}

fn compare(path: &Path, bodies: &Value) -> (String, Report) {
    let mut archive = Archive::read(path);
    let version = |library: &str| archive.table["versions"][library].as_str().unwrap().to_owned();
    let (version, pandas) = (version("scikit-learn"), version("pandas"));
    let answers = archive.table["answers"].as_array().unwrap();
    let mut report = Report::default();
    for (index, model) in archive.table["models"].as_array().unwrap().iter().enumerate() {
        let name = model["name"].as_str().unwrap();
        let scale = if ["Power", "log1p"].iter().any(|loose| name.contains(loose)) { 1.0 } else { 0.0 };
        let mut note = |difference, case| {
            let model = format!("{name}, fitted on {}", model["fitted_on"].as_str().unwrap());
            report.differences.entry((difference, model)).or_default().push(case);
        };
        report.counts.models += 1;
        let preprocessor = match preprocessor(archive.artifacts.remove(&format!("{index}.joblib")).unwrap()) {
            Ok(preprocessor) => preprocessor,
            Err(error) => {
                note(Difference::Artifact, error.to_string());
                continue;
            }
        };
        let bodies = &bodies[model["width"].to_string()];
        for (place, answer) in model["answers"].as_array().unwrap().iter().enumerate() {
            let expected = &answers[answer.as_u64().unwrap() as usize];
            match expected {
                Value::Null => continue,
                Value::String(_) => report.counts.errors += 1,
                _ => report.counts.answers += 1,
            }
            let (body, columns) = (bodies["csv"][place].as_str().unwrap(), bodies["names"][place].as_str().unwrap());
            match difference(&preprocessor, body, expected, scale) {
                None => {}
                Some(_) if is_on_purpose(name, columns, &pandas) => report.counts.on_purpose += 1,
                Some((difference, why)) => note(difference, format!("{columns}: {why}")),
            }
        }
    }
    (version, report)
}

#[test]
fn every_transformer_answers_edge_cases_as_its_version_of_scikit_learn() {
    let bodies: Value = serde_json::from_reader(File::open(folder().join("bodies.json")).unwrap()).unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    let bodies = &bodies;
    let mut reports: Vec<(String, Report)> = std::thread::scope(|scope| {
        let compared: Vec<_> = paths.iter().map(|path| scope.spawn(move || compare(path, bodies))).collect();
        compared.into_iter().map(|compared| compared.join().unwrap()).collect()
    });
    reports.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (mut total, mut different) = (Counts::default(), 0);
    println!("scikit-learn | models | answers | exceptions | different on purpose");
    for (version, Report { counts, differences }) in &reports {
        println!("{version} | {} | {} | {} | {}", counts.models, counts.answers, counts.errors, counts.on_purpose);
        total.models += counts.models;
        total.answers += counts.answers;
        total.errors += counts.errors;
        total.on_purpose += counts.on_purpose;
        for ((difference, model), cases) in differences {
            println!("{version}: {difference:?}: {model}: {} cases", cases.len());
            cases.iter().take(3).for_each(|case| println!("    {case}"));
            different += cases.len();
        }
    }
    assert_eq!(different, 0, "answers that differ");
    let expected = Counts { models: 3611, answers: 492_460, errors: 362_485, on_purpose: 456 };
    assert_eq!((reports.len(), total), (11, expected));
}

//! Compares the scorer with scikit-learn's answers: the cases of `tests/fixtures/sklearn` for methods other than
//! `transform`, in eight versions.

use crate::allow_list::ScikitLearn;
use crate::method::Method;
use crate::preprocessor::ColumnsJson;
use crate::preprocessor::fixtures_test::{fixtures, folders, matches, of_skops};
use crate::scorer::Scorer;
use byoc_account::Allowance;
use byoc_formats::media_types::answer::write_predictions;
use byoc_formats::media_types::prediction_style::JsonForm;
use byoc_formats::media_types::read::read_frame;
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_formats::pickle;
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let versions = folders(&fixtures()).into_iter().filter(|path| !path.ends_with("bad"));
    let cases = versions.flat_map(|version| folders(&version));
    cases.filter(|case| !fs::read_to_string(case.join("columns.json")).unwrap().contains("\"transform\"")).collect()
}

fn columns(case: &Path) -> ColumnsJson {
    ColumnsJson::parse(&fs::read(case.join("columns.json")).unwrap(), &Allowance::unbounded()).unwrap()
}

fn columns_with(case: &Path, method: Method) -> ColumnsJson {
    let mut columns = columns(case);
    columns.method = Some(method);
    columns
}

fn scorer(case: &Path, columns: Option<ColumnsJson>) -> Scorer {
    let tree =
        pickle::read(fs::read(case.join("model.joblib")).unwrap(), &ScikitLearn, &Allowance::unbounded()).unwrap();
    assert!(Scorer::is_in(&tree).unwrap(), "{}", case.display());
    Scorer::from_pickle(&tree, columns, &Allowance::unbounded())
        .unwrap_or_else(|error| panic!("{}: {error}", case.display()))
}

fn answer(scorer: &Scorer, body: &[u8], media_type: MediaType) -> String {
    let mut out = Vec::new();
    let rows =
        read_frame(ContentType::of(MediaType::Csv), body, scorer, crate::testing::unbounded()).unwrap().into_table();
    write_predictions(scorer.score(rows.into()).unwrap(), scorer.style(), media_type, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn answers_are_those_of_scikit_learn_in_every_version() {
    let mut passed = 0;
    for case in cases() {
        let body = fs::read(case.join("input.csv")).unwrap();
        let found = answer(&scorer(&case, Some(columns(&case))), &body, MediaType::Csv);
        let expected = fs::read_to_string(case.join("expected.csv")).unwrap();
        let exact = fs::read_to_string(case.join("expected_exact.csv")).ok();
        let right = matches(&found, &expected) || exact.is_some_and(|exact| matches(&found, &exact));
        assert!(right, "{}\nexpected\n{expected}\nfound\n{found}", case.display());
        passed += 1;
    }
    assert_eq!(passed, 63);
}

#[test]
fn artifacts_of_skops_score_as_scikit_learn() {
    for (name, tree, body, expected) in of_skops(&["classifier", "search"]) {
        assert!(Scorer::is_in(&tree).unwrap(), "{name}");
        let scorer = Scorer::from_pickle(&tree, None, &Allowance::unbounded());
        let scorer = scorer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = answer(&scorer, &body, MediaType::Csv);
        assert!(matches(&found, &expected), "{name}: {found}\nexpected\n{expected}");
    }
}

/// The values of the JSON answer must equal those of the CSV; only the form differs.
#[test]
fn json_holds_the_same_values_as_a_list_or_in_the_linear_learners_shape() {
    for case in cases() {
        for form in JsonForm::ALL {
            let mut columns = columns(&case);
            let method = columns.method.unwrap();
            columns.json = Some(form);
            let scorer = scorer(&case, Some(columns));
            let body = fs::read(case.join("input.csv")).unwrap();
            let csv = answer(&scorer, &body, MediaType::Csv);
            let json: Json = serde_json::from_str(&answer(&scorer, &body, MediaType::Json)).unwrap();
            let lines = answer(&scorer, &body, MediaType::JsonLines);
            let lines: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), csv.lines().count());
            match form {
                JsonForm::List => assert_eq!(json, Json::Array(lines.clone())),
                JsonForm::Predictions => assert_eq!(json, serde_json::json!({ "predictions": lines })),
            }
            for (prediction, row) in lines.iter().zip(csv.lines()) {
                let values = match form {
                    JsonForm::List => prediction.clone(),
                    JsonForm::Predictions => values_of(prediction, method, &case),
                };
                assert!(method != Method::PredictProba || values.is_array(), "{}: {prediction}", case.display());
                let values = values.as_array().cloned().unwrap_or_else(|| vec![values]);
                let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let found: Vec<String> = values.iter().map(text).collect();
                assert!(matches(&found.join(","), row), "{}: {prediction} {row}", case.display());
            }
        }
    }
}

/// The score of an object of the linear learner's shape, or its label where it has no score.
fn values_of(prediction: &Json, method: Method, case: &Path) -> Json {
    let has_label = prediction.get("predicted_label").is_some();
    let classifier = prediction.get("score").is_none() || method == Method::PredictProba;
    assert_eq!(has_label, classifier, "{}: {prediction}", case.display());
    prediction.get("score").unwrap_or(&prediction["predicted_label"]).clone()
}

#[test]
fn the_method_is_predict_unless_another_one_is_set() {
    let case = fixtures().join("1.6.1/model_multinomial_proba");
    let body = fs::read(case.join("input.csv")).unwrap();
    let predicted = answer(&scorer(&case, None), &body, MediaType::Csv);
    assert_eq!(predicted, fs::read_to_string(fixtures().join("1.6.1/model_multinomial/expected.csv")).unwrap());
    let of = |method| columns_with(&case, method);
    let probable = answer(&scorer(&case, Some(of(Method::PredictProba))), &body, MediaType::Csv);
    assert!(matches(&probable, &fs::read_to_string(case.join("expected.csv")).unwrap()));
    let decided = answer(&scorer(&case, Some(of(Method::DecisionFunction))), &body, MediaType::Json);
    assert!(decided.starts_with("[[1.27"), "{decided}");
}

#[test]
fn a_method_that_the_estimator_lacks_is_refused_with_those_that_it_has() {
    let refused = |case: &str, method| {
        let case = fixtures().join(case);
        let tree =
            pickle::read(fs::read(case.join("model.joblib")).unwrap(), &ScikitLearn, &Allowance::unbounded()).unwrap();
        Scorer::from_pickle(&tree, Some(columns_with(&case, method)), &Allowance::unbounded())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let cases = [
        ("model_ridge", Method::PredictProba, "expected predict, or no method"),
        ("model_svc", Method::PredictProba, "expected predict or decision_function, or no method"),
        ("model_logistic", Method::Transform, "expected predict or predict_proba or decision_function, or no method"),
    ];
    for (case, method, expected) in cases {
        let message = refused(&format!("1.9.1/{case}"), method);
        assert!(message.contains(method.name()) && message.ends_with(expected), "{message}");
    }
}

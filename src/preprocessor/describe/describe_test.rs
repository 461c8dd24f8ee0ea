//! Descriptions of the fixtures: what each artifact is known to hold.

use super::*;
use crate::artifact::pickle;
use std::path::Path;

/// The description of a fixture without its `columns.json`, which says nothing that is described.
fn described(case: &str) -> PreprocessorDescription {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sklearn").join(case).join("model.joblib");
    let tree = pickle::read(std::fs::read(path).unwrap()).unwrap();
    Preprocessor::from_pickle(&tree, None).unwrap().describe(&tree).unwrap()
}

#[test]
#[ignore]
fn show() {
    for case in std::env::var("CASES").unwrap().split(' ') {
        println!("{case} {}", serde_json::to_string_pretty(&described(case)).unwrap());
    }
}

//! The reader over whole files: honest artifacts of eleven scikit-learn versions, and the hostile and broken ones.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sklearn")
}

/// Every honest artifact, as (path, bytes).
fn honest() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for version in std::fs::read_dir(fixtures()).unwrap() {
        let Ok(cases) = std::fs::read_dir(version.unwrap().path()) else { continue };
        for case in cases {
            let path = case.unwrap().path().join("model.joblib");
            if let Ok(bytes) = std::fs::read(&path) {
                found.push((path, bytes));
            }
        }
    }
    found
}

fn bad(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("bad").join(name)).unwrap()
}

#[test]
fn every_honest_artifact_reads_as_an_object_of_scikit_learn() {
    let honest = honest();
    assert!(honest.len() > 450, "{} artifacts", honest.len());
    for (path, bytes) in honest {
        let tree = read(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (module, _) = tree.root().class().unwrap_or_else(|| panic!("{}: {:?}", path.display(), tree.root()));
        assert!(module.starts_with("sklearn."), "{}: {module}", path.display());
        assert!(tree.root().attribute("_sklearn_version").is_some_and(|version| version.as_str().is_some()));
    }
}

#[test]
fn every_bad_file_is_refused_in_under_a_second() {
    let index: serde_json::Value = serde_json::from_slice(&bad("index.json")).unwrap();
    let mut refused = 0;
    for case in index.as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let bytes = bad(file);
        let started = Instant::now();
        let outcome = read(bytes);
        assert!(started.elapsed() < Duration::from_secs(1), "{file} took {:?}", started.elapsed());
        if case["layer"] == "reader" {
            let error = outcome.err().unwrap_or_else(|| panic!("{file} was read: {}", case["why"]));
            if std::env::args().any(|arg| arg == "--nocapture") {
                println!("{file}: {error}");
            }
            refused += 1;
        }
    }
    assert!(refused > 90, "{refused} refused");
}

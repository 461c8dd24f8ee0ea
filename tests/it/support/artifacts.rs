//! Model folders made from the fixtures, as the platform would unpack them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use byoc_formats::targz;
use tempfile::TempDir;

/// A path below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The text of a fixture.
pub fn fixture_text(path: &str) -> String {
    fs::read_to_string(fixture(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A folder with a scikit-learn case's artifact, as SageMaker unpacks it: the model, and its `columns.json`.
pub fn scikit_learn(case: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for name in ["model.joblib", "columns.json"] {
        let from = fixture(&format!("sklearn/{case}/{name}"));
        fs::copy(&from, folder.path().join(name)).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
    folder
}

/// A folder with a linear-learner case's artifact, unpacked.
pub fn linear_learner(case: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let archive = File::open(fixture(&format!("linear-learner/{case}/model.tar.gz"))).expect("the case is there");
    targz::unpack(archive, &folder.path().join("model"), &targz::Limits::default()).expect("it unpacks");
    folder
}

/// The folder that contains the model itself.
pub fn model_folder(folder: &TempDir) -> PathBuf {
    let inner = folder.path().join("model");
    if inner.is_dir() { inner } else { folder.path().to_owned() }
}

/// The path of [`model_folder`] as an argument for the command line.
pub fn model_dir(folder: &TempDir) -> String {
    model_folder(folder).to_str().expect("a plain path").to_owned()
}

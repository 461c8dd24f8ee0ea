//! Accounting of memory and work while models are loaded, inspected and asked: it matches the allocator, no file and no
//! body gets more than its size justifies, and both grow in proportion.
//!
//! This is a test binary of its own because it needs an allocator that counts.

mod answers;
mod bodies;
mod curve;
mod growth;
mod hostile;
mod models;
mod requests;
mod skops;
mod truth;

use byoc::error::Result;
use byoc::model::{Artifact, Inspection, Model};
use byoc_account::Allowance;
use byoc_sklearn::preprocessor::Overrides;
use std::path::Path;
use tempfile::TempDir;

/// A folder with a model's files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A folder with a pickle.
fn pickled(pickle: &[u8]) -> TempDir {
    folder(&[("model.joblib", pickle)])
}

fn load(folder: &Path, allowance: &Allowance) -> Result<Model> {
    Artifact::find(folder).and_then(|artifact| artifact.load(&Overrides::default(), allowance))
}

fn inspect(folder: &Path, allowance: &Allowance) -> Result<Inspection> {
    Inspection::of(folder, &Overrides::default(), allowance)
}

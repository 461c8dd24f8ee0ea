//! Memory and time of loading, inspecting and invoking models: the bytes taken from an allowance match the allocator,
//! no file or body takes more memory than its size justifies, and time grows linearly.
//!
//! This is a separate test binary because it needs an allocator that counts.

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

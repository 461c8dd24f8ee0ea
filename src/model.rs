//! What a container can load, and one call: request body in, response body out.
//!
//! A container does not need to be told what it is: the artifact says. [`Artifact::find`] looks for, in order,
//! `model_algo-1` (SageMaker's linear learner), then one `*.joblib`, `*.pkl` or `*.pickle` (scikit-learn). A `code/` folder
//! beside them is ignored: nothing in an artifact is ever executed. Anything else is an error that lists what was found
//! and what would have been accepted.

use std::path::{Path, PathBuf};

use crate::error::{Cause, Error, Result};
use crate::payload::MediaType;

/// A request to a model, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// What to answer where the caller accepts anything; the model's own choice if `None`.
    pub default_accept: Option<MediaType>,
    /// The body.
    pub body: &'a [u8],
}

/// A model's answer.
#[derive(Debug)]
pub struct Answer {
    /// What the body is.
    pub content_type: MediaType,
    /// The body.
    pub body: Vec<u8>,
}

/// An artifact that was found and recognised, and not yet read.
#[derive(Debug)]
pub struct Artifact {
    directory: PathBuf,
}

/// A model in memory.
#[derive(Debug)]
pub struct Model {
    bytes: u64,
}

impl Artifact {
    /// Recognises the artifact in a folder.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] where nothing, or more than one thing, is recognised.
    pub fn find(directory: &Path) -> Result<Artifact> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|error| Error::io("list", directory, &error))? {
            let entry = entry.map_err(|error| Error::io("list", directory, &error))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Err(Error::new(
            Cause::BadArtifact,
            format!(
                "no model in {}: expected model_algo-1 (linear learner) or one *.joblib, *.pkl or *.pickle (scikit-learn), found {}",
                directory.display(),
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            ),
        ))
    }

    /// How many bytes to set aside before loading, from the sizes that the files announce.
    pub fn estimate(&self) -> Result<u64> {
        let metadata =
            std::fs::metadata(&self.directory).map_err(|error| Error::io("read", &self.directory, &error))?;
        Ok(metadata.len())
    }

    /// Reads the artifact.
    pub fn load(self) -> Result<Model> {
        Ok(Model { bytes: 0 })
    }
}

impl Model {
    /// How many bytes the model takes in memory.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Cause::BadPayload`] and its kin, with the row, column and byte.
    pub fn invoke(&self, _invocation: Invocation<'_>) -> Result<Answer> {
        Err(Error::new(Cause::Internal, "no model kind is built in"))
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a model")
    }
}

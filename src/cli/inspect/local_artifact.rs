//! An artifact to inspect: on this machine, or copied from S3 to this machine.

use std::path::{Path, PathBuf};

use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::platform::fetch::{FetchError, copy_to_local};
use crate::storage::{Location, S3Access, Storage, absolute, nothing_at};
use crate::temporary_folder::TemporaryFolder;

/// An artifact on this machine. A copy from S3 is removed when this is dropped.
pub(super) struct LocalArtifact {
    /// Its whole path.
    pub(super) path: PathBuf,
    /// Its path or URL, for messages.
    name: String,
    _copy: Option<TemporaryFolder>,
}

impl LocalArtifact {
    /// Opens the artifact that a path or a URL names.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] for a URL that is not one of S3's, [`Cause::ModelNotFound`] with what the folder has instead, and
    /// [`Cause::Unreachable`].
    pub(super) fn open(name: &Path, environment: &Environment) -> Result<LocalArtifact> {
        let location = match name.to_str() {
            Some(name) => Location::parse(name, Path::new("")),
            // A name that is not Unicode is not a URL.
            None => Ok(Location::Local(name.to_owned())),
        };
        let location = location.map_err(|problem| Error::new(Cause::BadRequest, problem))?;
        if let Location::Local(path) = &location {
            let path = absolute(path);
            if !path.exists() {
                return Err(Error::new(Cause::ModelNotFound, nothing_at(&path)));
            }
            return Ok(LocalArtifact { name: path.display().to_string(), path, _copy: None });
        }
        let copy = TemporaryFolder::make("byoc-model-")?;
        copy.remove_abandoned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Cause::Internal, "no runtime").caused_by(error))?;
        let storage = Storage::new(S3Access::of(environment));
        let path = runtime.block_on(copy_to_local(&location, &storage, copy.path()));
        let path = path.map_err(|error| FetchError::into_error(error).context(&location))?;
        // Messages add a slash and the name of a file.
        let name = location.to_string().trim_end_matches('/').to_owned();
        Ok(LocalArtifact { path, name, _copy: Some(copy) })
    }

    /// Its path or URL, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same error with the path or URL that the user gave in place of that of the copy.
    pub(super) fn renamed_in(&self, error: Error) -> Error {
        error.renamed(&self.path.display().to_string(), &self.name)
    }
}

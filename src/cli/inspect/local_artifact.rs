//! An artifact to inspect: a local one, or a local copy of one in S3.

use std::path::Path;

use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::model::NamedPath;
use crate::platform::fetch::copy_to_local;
use crate::storage::{Location, S3Access, Storage, absolute, missing_path_message};
use crate::temporary_folder::TemporaryFolder;

/// A local artifact. A copy from S3 is removed when this is dropped.
pub(super) struct LocalArtifact {
    /// The full path. Messages show the URL of a copy.
    pub(super) place: NamedPath,
    _copy: Option<TemporaryFolder>,
}

impl LocalArtifact {
    /// Opens the artifact at a path or an S3 URL.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] for a URL that is not an S3 URL, [`Cause::ModelNotFound`] with suggestions, and
    /// [`Cause::Unreachable`].
    pub(super) fn open(name: &Path, environment: &Environment) -> Result<LocalArtifact> {
        let location = match name.to_str() {
            Some(name) => Location::parse_quoting(name, Path::new("")),
            // A name that is not Unicode is not a URL.
            None => Ok(Location::Local(name.to_owned())),
        };
        let location = location.map_err(|problem| Error::new(Cause::BadRequest, problem))?;
        if let Location::Local(path) = &location {
            let path = absolute(path);
            if !path.exists() {
                return Err(Error::new(Cause::ModelNotFound, missing_path_message(&path)));
            }
            return Ok(LocalArtifact { place: NamedPath::new(path), _copy: None });
        }
        let copy = TemporaryFolder::make("byoc-model-")?;
        copy.remove_abandoned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Cause::Internal, "no runtime").caused_by(error))?;
        let storage = Storage::new(S3Access::of(environment));
        let path = runtime.block_on(copy_to_local(&location, &storage, copy.path()));
        let path = path.map_err(|error| error.into_error_at(&location))?;
        // Messages append a slash and a file name.
        let name = location.to_string().trim_end_matches('/').to_owned();
        Ok(LocalArtifact { place: NamedPath::with_name(path, name), _copy: Some(copy) })
    }
}

//! Where an artifact lies that is looked into: on this machine, or in S3, from where it is brought.

use std::path::{Path, PathBuf};

use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::platform::fetch::{FetchError, copy_to_local};
use crate::storage::{Location, S3Access, Storage, absolute, nothing_at};
use crate::temporary_folder::TemporaryFolder;

/// An artifact on this machine, for as long as this is there.
pub(super) struct Place {
    /// Its whole path.
    pub(super) path: PathBuf,
    /// How it is named to whoever asked for it.
    said: String,
    _aside: Option<TemporaryFolder>,
}

impl Place {
    /// The place of a name.
    ///
    /// # Errors
    /// [`Cause::BadRequest`] for what is no such name, [`Cause::ModelNotFound`] with what is there instead,
    /// [`Cause::Unreachable`].
    pub(super) fn of(name: &Path, environment: &Environment) -> Result<Place> {
        let location = match name.to_str() {
            Some(name) => Location::parse(name, Path::new("")),
            // What is no Unicode is no URL.
            None => Ok(Location::Local(name.to_owned())),
        };
        let location = location.map_err(|problem| Error::new(Cause::BadRequest, problem))?;
        if let Location::Local(path) = &location {
            let path = absolute(path);
            if !path.exists() {
                return Err(Error::new(Cause::ModelNotFound, nothing_at(&path)));
            }
            return Ok(Place { said: path.display().to_string(), path, _aside: None });
        }
        let aside = TemporaryFolder::make("byoc-model-")?;
        aside.remove_abandoned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Cause::Internal, "no runtime").caused_by(error))?;
        let storage = Storage::new(S3Access::of(environment));
        let path = runtime.block_on(copy_to_local(&location, &storage, aside.path()));
        let path = path.map_err(|error| FetchError::into_error(error).context(&location))?;
        // What lies below it follows with a slash.
        let said = location.to_string().trim_end_matches('/').to_owned();
        Ok(Place { path, said, _aside: Some(aside) })
    }

    /// How it is named to whoever asked for it.
    pub(super) fn name(&self) -> &str {
        &self.said
    }

    /// An error that names the place as whoever asked does.
    pub(super) fn said_of(&self, error: Error) -> Error {
        error.renamed(&self.path.display().to_string(), &self.said)
    }
}

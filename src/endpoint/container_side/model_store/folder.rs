//! Artifacts in a local folder.

use std::path::PathBuf;

use crate::endpoint::container_side::target_model::TargetModel;
use crate::platform::fetch::FetchError;
use crate::storage::{StorageError, missing_path_message};

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    /// The archive of a TargetModel, if it exists and is within the folder after links are resolved.
    pub(super) fn find(&self, target_model: &TargetModel) -> Option<PathBuf> {
        let prefix = self.0.canonicalize().ok()?;
        let archive = prefix.join(target_model.as_str()).canonicalize().ok()?;
        (archive.starts_with(&prefix) && archive.is_file()).then_some(archive)
    }

    /// The error for a missing archive, with the files that exist instead, for the log.
    pub(super) fn missing_path_message(&self, target_model: &TargetModel) -> FetchError {
        let archive = self.0.join(target_model.as_str());
        if archive.exists() {
            FetchError::NotFound(StorageError::NotARegularFile)
        } else {
            FetchError::NotFoundWithSuggestion(missing_path_message(&archive))
        }
    }
}

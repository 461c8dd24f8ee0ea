//! The sources of artifacts, and the folder into which they are unpacked.
//!
//! A [`ModelStore`] is the source that a ModelDataUrl names: a local `folder` or a `prefix` of keys in S3. In both
//! cases an artifact is unpacked completely or not at all: an unfinished one has no name under which it could be
//! loaded.

mod folder;
mod model_folder;
mod prefix;

use std::path::{Path, PathBuf};

use folder::Folder;
pub use model_folder::ModelFolder;
pub(super) use model_folder::model_id;
use prefix::Prefix;

use super::change_watch::CheckInterval;
use super::target_model::TargetModel;
use crate::error::{Reason, Result};
use crate::platform::create_model::ModelDataUrl;
use crate::platform::fetch::disk::DiskReservation;
use crate::platform::fetch::{self, FetchError, Fetched};
use crate::storage::{Location, Storage, StorageError, Version, absolute};

/// The artifacts that a ModelDataUrl names.
#[derive(Debug)]
pub struct ModelStore {
    /// The ModelDataUrl as written in the configuration.
    as_written: String,
    kind: StoreKind,
}

#[derive(Debug)]
enum StoreKind {
    Folder(Folder),
    Prefix(Prefix),
}

impl ModelStore {
    /// The store of a ModelDataUrl.
    ///
    /// # Errors
    /// [`Cause::BadSetting`](crate::error::Cause::BadSetting) if it is in S3 and there are no credentials, or S3's
    /// settings are invalid.
    pub fn open(url: &ModelDataUrl, storage: &Storage) -> Result<ModelStore> {
        let kind = match &url.location {
            Location::Local(path) => StoreKind::Folder(Folder(path.clone())),
            Location::S3 { bucket, key } => StoreKind::Prefix(Prefix::new(storage.bucket(bucket)?, key)),
        };
        Ok(ModelStore { as_written: url.as_written.clone(), kind })
    }

    /// The store of a local folder.
    pub fn folder(as_written: &str, path: PathBuf) -> ModelStore {
        ModelStore { as_written: as_written.to_owned(), kind: StoreKind::Folder(Folder(path)) }
    }

    /// The URL of a TargetModel: the prefix and the TargetModel joined.
    pub fn url(&self, target_model: &TargetModel) -> String {
        format!("{}/{}", self.as_written.trim_end_matches('/'), target_model.as_str())
    }

    /// The location of a TargetModel for the log; a local one as an absolute path.
    pub(super) fn display_location(&self, target_model: &TargetModel) -> String {
        match &self.kind {
            StoreKind::Folder(Folder(folder)) => absolute(&folder.join(target_model.as_str())).display().to_string(),
            StoreKind::Prefix(_) => self.url(target_model),
        }
    }

    /// The archive of a TargetModel, if it is a local file.
    pub(super) fn file(&self, target_model: &TargetModel) -> Option<PathBuf> {
        match &self.kind {
            StoreKind::Folder(folder) => folder.find(target_model),
            StoreKind::Prefix(_) => None,
        }
    }

    /// Unpacks the archive of a TargetModel into a folder, within the limit of its reservation.
    pub(super) async fn fetch(
        &self,
        target_model: &TargetModel,
        into: &Path,
        reservation: Option<DiskReservation>,
    ) -> Result<Fetched, FetchError> {
        match &self.kind {
            StoreKind::Folder(folder) => {
                let archive = folder.find(target_model).ok_or_else(|| folder.missing_path_message(target_model))?;
                fetch::unpack_local(archive, into, reservation).await
            }
            StoreKind::Prefix(prefix) => prefix.fetch(&prefix.below(target_model), into, reservation).await,
        }
    }

    /// The current version of a TargetModel's archive.
    pub(super) async fn version(&self, target_model: &TargetModel) -> Result<Version, StorageError> {
        match &self.kind {
            StoreKind::Folder(folder) => {
                let (folder, target_model) = (folder.clone(), target_model.clone());
                let looking = tokio::task::spawn_blocking(move || {
                    folder
                        .find(&target_model)
                        .ok_or(StorageError::NotFound)
                        .and_then(|archive| Version::of_path(&archive))
                });
                looking.await.map_err(|error| StorageError::Internal(Reason::new(error)))?
            }
            StoreKind::Prefix(prefix) => prefix.version(&prefix.below(target_model)).await,
        }
    }

    /// How often artifacts in use are checked.
    pub(super) fn check_interval(&self) -> CheckInterval {
        match self.kind {
            StoreKind::Folder(_) => CheckInterval::FILES,
            StoreKind::Prefix(_) => CheckInterval::OBJECTS,
        }
    }

    /// Whether archives appear atomically. A local file is visible while it is still being written.
    pub(super) fn has_whole_archives_only(&self) -> bool {
        matches!(self.kind, StoreKind::Prefix(_))
    }
}

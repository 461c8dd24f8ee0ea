//! Fetches a model's artifact from a folder or a bucket into a folder, and unpacks it if it is an archive.

pub mod disk;
mod files;
mod local_copy;
mod source;

use source::Source;

pub use local_copy::{copy_to_local, suggestion};

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::create_model::{ModelDataUrl, ModelForm};
use crate::error::{Cause, Error, Reason, Result};
use crate::storage::{Bucket, Location, Storage, StorageError, Version, missing_path_message};
use byoc_formats::error::{self, chain};
use byoc_formats::targz::{self, Limits};
use disk::DiskReservation;

/// The prefix of a download's temporary file.
pub const DOWNLOAD_PREFIX: &str = "download-";

/// Why an artifact could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// There is nothing at its location, or access is denied.
    NotFound(StorageError),
    /// There is nothing at its location. The message suggests what exists nearby.
    NotFoundWithSuggestion(String),
    /// The settings for S3 are wrong.
    Setting(Reason),
    /// The data there are not a model archive, or are too large.
    BadArtifact(Reason),
    /// It could not be downloaded; a retry may succeed.
    Unavailable(Reason),
    /// Other fetches hold the disk space that it needs.
    DiskBusy,
    /// The archive or its files are larger than the disk space for all unpacked models, `limit` bytes.
    DiskTooSmall {
        /// `--model-disk`.
        limit: u64,
    },
    /// It could not be written to this machine's disk.
    Internal(Reason),
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FetchError::NotFound(StorageError::NoSuchBucket) => f.write_str("there is no such bucket"),
            FetchError::NotFound(StorageError::NotFound) => f.write_str("there is no object at the URL"),
            FetchError::NotFound(why) => why.fmt(f),
            FetchError::NotFoundWithSuggestion(message) => f.write_str(message),
            FetchError::BadArtifact(reason) | FetchError::Internal(reason) | FetchError::Setting(reason) => {
                reason.fmt(f)
            }
            FetchError::Unavailable(_) => f.write_str("could not be downloaded"),
            FetchError::DiskBusy => f.write_str("other fetches hold the disk space that it needs"),
            FetchError::DiskTooSmall { limit } => {
                write!(f, "it needs more disk space than the {limit} bytes of --model-disk")
            }
        }
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FetchError::NotFound(reason) => reason.source(),
            FetchError::BadArtifact(reason) | FetchError::Internal(reason) | FetchError::Setting(reason) => {
                reason.source()
            }
            FetchError::Unavailable(reason) => Some(reason),
            FetchError::NotFoundWithSuggestion(_) | FetchError::DiskBusy | FetchError::DiskTooSmall { .. } => None,
        }
    }
}

impl FetchError {
    /// The error for wrong settings of S3.
    pub(super) fn from_settings_error(error: Error) -> FetchError {
        FetchError::Setting(Reason::new(error))
    }

    /// The error for an artifact whose object could not be read.
    pub(super) fn from_storage(failure: StorageError) -> FetchError {
        match failure {
            StorageError::InsufficientDisk => FetchError::DiskBusy,
            StorageError::TooLarge { .. } => FetchError::BadArtifact(Reason::new(failure)),
            // S3 answers "access denied" for a missing object if the caller may not list the bucket.
            StorageError::NotFound
            | StorageError::NoSuchBucket
            | StorageError::InvalidKey(_)
            | StorageError::AccessDenied(_) => FetchError::NotFound(failure),
            StorageError::Unavailable(reason) => FetchError::Unavailable(reason),
            other => FetchError::Internal(Reason::new(other)),
        }
    }

    /// Converts it to an [`Error`] about a location. Wrong settings of S3 name the bucket already.
    pub fn into_error_at(self, location: impl std::fmt::Display) -> Error {
        let is_setting = matches!(self, FetchError::Setting(_));
        let error = self.into_error();
        if is_setting { error } else { error.context(location) }
    }

    /// Converts it to an [`Error`] with the corresponding cause.
    pub fn into_error(self) -> Error {
        let cause = match &self {
            FetchError::NotFound(StorageError::AccessDenied(_)) => Cause::AccessDenied,
            FetchError::NotFound(_) | FetchError::NotFoundWithSuggestion(_) => Cause::ModelNotFound,
            FetchError::Setting(_) | FetchError::DiskTooSmall { .. } => Cause::BadSetting,
            FetchError::BadArtifact(_) => Cause::BadArtifact,
            FetchError::Unavailable(_) | FetchError::DiskBusy => Cause::Unreachable,
            FetchError::Internal(_) => Cause::Io,
        };
        // The chain prints a source that reads as its error once.
        Error::new(cause, self.to_string()).caused_by(self)
    }
}

/// A model's data that were fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The total size of its files, in bytes.
    pub bytes: u64,
    /// The version that was fetched. Data that replace it, even while it is being fetched, have another version.
    pub version: Version,
}

/// The current version of the data at a model's location.
///
/// # Errors
/// [`StorageError`] if there are no data, or they cannot be accessed.
pub async fn version(data: &ModelDataUrl, storage: &Storage) -> Result<Version, StorageError> {
    match (data.form, &data.location) {
        (ModelForm::Files, Location::S3 { bucket, key }) => {
            let bucket = storage.bucket(bucket).map_err(|error| StorageError::Internal(Reason::new(error)))?;
            let entries = bucket.list(key).await?;
            if entries.is_empty() { Err(StorageError::NotFound) } else { Ok(Version::of_objects(&entries)) }
        }
        (ModelForm::Archive | ModelForm::File, _) | (_, Location::Local(_)) => storage.version(&data.location).await,
    }
}

/// Fetches a model's data into a folder, and replaces what is there.
///
/// # Errors
/// [`FetchError`], with a suggestion if there is nothing at the location in S3.
pub async fn fetch(data: &ModelDataUrl, storage: &Storage, into: &Path) -> Result<Fetched, FetchError> {
    match (fetch_from(data, storage, into).await, &data.location) {
        (Err(FetchError::NotFound(StorageError::NotFound)), Location::S3 { bucket, .. }) => {
            Err(local_copy::not_found(&*open_bucket(storage, bucket)?, &data.location).await)
        }
        (fetched, _) => fetched,
    }
}

async fn fetch_from(data: &ModelDataUrl, storage: &Storage, into: &Path) -> Result<Fetched, FetchError> {
    // An archive's version is determined when it is read; that of files, before they are read.
    let before = async || version(data, storage).await.map_err(|failure| read_failed(&data.as_written, failure));
    match (data.form, &data.location) {
        (_, Location::Local(path)) if !path.exists() => {
            Err(FetchError::NotFoundWithSuggestion(missing_path_message(path)))
        }
        (ModelForm::Archive, Location::Local(path)) => unpack_local(path.clone(), into, None).await,
        (ModelForm::Archive, Location::S3 { bucket, key }) => {
            download(&*open_bucket(storage, bucket)?, key, into, None).await
        }
        (ModelForm::Files, Location::Local(path)) => {
            Err(FetchError::BadArtifact(Reason::new(format!("{} is not a folder", path.display()))))
        }
        (ModelForm::Files, Location::S3 { bucket, key }) => {
            let version = before().await?;
            let bytes = files::download_prefix(&*open_bucket(storage, bucket)?, key, into).await?;
            Ok(Fetched { bytes, version })
        }
        (ModelForm::File, Location::Local(path)) => {
            let version = before().await?;
            Ok(Fetched { bytes: files::copy_file(path, into).await?, version })
        }
        (ModelForm::File, Location::S3 { bucket, key }) => {
            let version = before().await?;
            Ok(Fetched { bytes: files::download_object(&*open_bucket(storage, bucket)?, key, into).await?, version })
        }
    }
}

fn open_bucket(storage: &Storage, bucket: &str) -> Result<Arc<Bucket>, FetchError> {
    storage.bucket(bucket).map_err(FetchError::from_settings_error)
}

/// Downloads an archive next to the folder `into`, then unpacks it there. The reservation bounds the bytes on disk, of
/// the archive and its files; without one they are not bounded.
///
/// # Errors
/// [`FetchError`]: why the artifact could not be fetched.
pub async fn download(
    bucket: &Bucket,
    key: &str,
    into: &Path,
    mut reservation: Option<DiskReservation>,
) -> Result<Fetched, FetchError> {
    let internal = |error: Error| FetchError::Internal(Reason::new(error));
    let download_folder = into.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    std::fs::create_dir_all(download_folder)
        .map_err(|error| internal(Error::io("create the folder", download_folder, error)))?;
    let (file, path) = tempfile::Builder::new()
        .prefix(DOWNLOAD_PREFIX)
        .tempfile_in(download_folder)
        .map_err(|error| internal(Error::io("create a file in", download_folder, error)))?
        .into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let limit = reservation.as_ref().map(DiskReservation::limit);
    let reserve = |bytes| match &mut reservation {
        Some(reservation) if bytes > reservation.limit() => {
            Err(StorageError::TooLarge { bytes, limit: reservation.limit() })
        }
        Some(reservation) => reservation.reserve(bytes).map_err(|_| StorageError::InsufficientDisk),
        None => Ok(()),
    };
    let entry = bucket.download(key, &mut file, reserve).await.map_err(|failure| match (failure, limit) {
        (StorageError::TooLarge { .. }, Some(limit)) => FetchError::DiskTooSmall { limit },
        (failure, _) => read_failed(key, failure),
    })?;
    // The file is deleted when `path` is dropped, whether unpacking succeeds or not.
    let bytes =
        unpack_in_background(Source::downloaded(path.to_path_buf(), bucket, key).await?, into, reservation).await?;
    Ok(Fetched { bytes, version: Version::of_object(&entry) })
}

/// Unpacks a local archive into a folder.
///
/// # Errors
/// [`FetchError`]: why the artifact could not be fetched.
pub async fn unpack_local(
    archive: PathBuf,
    into: &Path,
    reservation: Option<DiskReservation>,
) -> Result<Fetched, FetchError> {
    // Determined before the archive is read: a file that replaces it in the meantime has another version.
    let version = Version::of_path(&archive).map_err(|failure| read_failed(&archive.display().to_string(), failure))?;
    let bytes = unpack_in_background(Source::local(archive), into, reservation).await?;
    Ok(Fetched { bytes, version })
}

/// The error for a model's object that could not be read.
fn read_failed(key: &str, failure: StorageError) -> FetchError {
    if let StorageError::AccessDenied(reason) = &failure {
        log::warn!("{key} may not be read: {}", chain(reason));
    }
    FetchError::from_storage(failure)
}

/// Unpacks an archive into a folder, off the threads that answer requests.
///
/// # Errors
/// [`FetchError`]: why the artifact could not be fetched.
async fn unpack_in_background(
    source: Source,
    into: &Path,
    reservation: Option<DiskReservation>,
) -> Result<u64, FetchError> {
    let into = into.to_owned();
    match tokio::task::spawn_blocking(move || unpack(&source, &into, reservation)).await {
        Ok(unpacked) => unpacked,
        Err(error) => Err(FetchError::Internal(Reason::new(
            Error::new(Cause::Internal, "unpacking did not finish").caused_by(error),
        ))),
    }
}

/// Unpacks an artifact into a folder, and replaces what is there. Returns the total size of its files in bytes.
///
/// # Errors
/// [`FetchError`] if the archive is not a model archive or exceeds its limits, or a file cannot be read or written.
fn unpack(source: &Source, into: &Path, reservation: Option<DiskReservation>) -> Result<u64, FetchError> {
    let (reservation, shortage, total) = (RefCell::new(reservation), Cell::new(None), Cell::new(0_u64));
    let reserve = |bytes| {
        let mut reservation = reservation.borrow_mut();
        let Some(reservation) = reservation.as_mut() else { return Ok(()) };
        total.set(total.get().saturating_add(bytes));
        let refused = if total.get() > reservation.limit() {
            FetchError::DiskTooSmall { limit: reservation.limit() }
        } else if reservation.reserve(bytes).is_err() {
            FetchError::DiskBusy
        } else {
            return Ok(());
        };
        let message = refused.to_string();
        shortage.set(Some(refused));
        Err(error::Error::new(error::Cause::NotNow, message))
    };
    let done = if source.is_lone_file() {
        source.copy(into, &reserve)
    } else {
        unpack_archive(source.file(), into, &Limits::default(), &reserve)
    };
    done.map_err(|error| match (shortage.take(), error.cause()) {
        (Some(shortage), _) => shortage,
        (None, Cause::BadArtifact | Cause::NotPulled | Cause::NoModel | Cause::SeveralModels) => {
            FetchError::BadArtifact(Reason::new(error))
        }
        _ => FetchError::Internal(Reason::new(error)),
    })
}

fn unpack_archive(
    archive: &Path,
    into: &Path,
    limits: &Limits,
    reserve: &dyn Fn(u64) -> Result<(), error::Error>,
) -> Result<u64> {
    remove(into)?;
    if let Some(parent) = into.parent() {
        std::fs::create_dir_all(parent).map_err(|error| Error::io("create the folder", parent, error))?;
    }
    let archive = File::open(archive).map_err(|error| Error::io("open", archive, error))?;
    Ok(targz::unpack_where(archive, into, limits, reserve)?.bytes)
}

/// Removes a folder that an earlier run may have left.
fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_valid_archive_that_exceeds_the_disk_budget_is_not_called_damaged() {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/housing/preprocessor/model.tar.gz");
        let folder = tempfile::tempdir().unwrap();
        let disk = disk::DiskBudget::new(1024);
        let into = folder.path().join("model");
        let fetched = disk.fetch(|reservation| unpack_local(archive.clone(), &into, Some(reservation))).await;
        assert_eq!(fetched, Err(FetchError::DiskTooSmall { limit: 1024 }));
        let message = fetched.unwrap_err().to_string();
        assert_eq!(message, "it needs more disk space than the 1024 bytes of --model-disk");
    }

    #[test]
    fn wrong_settings_of_s3_name_the_bucket_once() {
        let setting = FetchError::Setting(Reason::new("s3://b: no AWS credentials"));
        assert_eq!(setting.into_error_at("s3://b/x").message(), "s3://b: no AWS credentials");
        let missing = FetchError::NotFound(StorageError::NotFound).into_error_at("s3://b/x");
        assert_eq!(missing.message(), "s3://b/x: there is no object at the URL");
    }

    #[test]
    fn a_missing_artifact_and_a_damaged_one_have_different_exit_codes() {
        for (error, exit_code) in [
            (FetchError::NotFound(StorageError::NotFound), 66),
            (FetchError::BadArtifact(Reason::new("no archive")), 65),
        ] {
            assert_eq!(error.into_error().cause().row().exit_code, exit_code);
        }
    }
}

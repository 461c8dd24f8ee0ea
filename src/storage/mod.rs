//! Objects in local folders and in buckets of S3 or a compatible store.
//!
//! A [`Location`] names an object, a folder or a prefix. [`Storage`] reads and writes whole objects; a [`Bucket`] is
//! one bucket. Only `bucket` and the `s3_` modules use the crate object_store. Nothing here depends on models or jobs.

mod bucket;
mod error;
mod local_file;
mod location;
mod missing_path;
mod s3_access;
mod s3_client;
mod s3_error;
mod s3_settings;
mod version;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

pub use bucket::{Bucket, Entry, Object, Upload};
pub use error::StorageError;
pub use local_file::Folders;
pub use location::Location;
pub use missing_path::{absolute, missing_path_message, read_text};
pub use s3_access::S3Access;
pub use version::{Version, last_modified};

use crate::error::{Reason, Result};
use crate::leased_bytes::MemoryShare;

/// Access to folders and buckets. Each bucket is opened once.
#[derive(Debug, Default)]
pub struct Storage {
    s3: S3Access,
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
}

impl Storage {
    /// Access to local files, and to S3 with these settings.
    pub fn new(s3: S3Access) -> Storage {
        Storage { s3, buckets: Mutex::default() }
    }

    /// The bucket of this name.
    ///
    /// # Errors
    /// [`Cause::BadSetting`](crate::error::Cause::BadSetting) if there are no credentials, or a setting is invalid.
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Arc::new(Bucket::open(name, &self.s3)?);
        buckets.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    /// Checks the settings that a location needs. Sends no request.
    ///
    /// # Errors
    /// Those of [`Storage::bucket`].
    pub fn check(&self, location: &Location) -> Result<()> {
        match location {
            Location::Local(_) => Ok(()),
            Location::S3 { bucket, .. } => self.bucket(bucket).map(drop),
        }
    }

    /// The version of an object or a local folder, which changes with its content.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn version(&self, location: &Location) -> Result<Version, StorageError> {
        match location {
            Location::S3 { bucket, key } => {
                self.open_bucket(bucket)?.head(key).await.map(|(entry, _)| Version::of_object(&entry))
            }
            Location::Local(path) => {
                let path = path.clone();
                let looking = tokio::task::spawn_blocking(move || Version::of_path(&path));
                looking.await.map_err(|error| StorageError::Internal(Reason::new(error)))?
            }
        }
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn read(&self, location: &Location, limit: u64) -> Result<Bytes, StorageError> {
        self.read_within(location, limit, &MemoryShare::unbounded(), None).await.map(|object| object.content)
    }

    /// Reads an object that a client names, of at most `limit` bytes, into memory leased from `memory`. If `folders`
    /// are given, a local file must be below one of them.
    ///
    /// # Errors
    /// As [`Storage::read`], and [`StorageError::InsufficientMemory`].
    pub async fn read_within(
        &self,
        location: &Location,
        limit: u64,
        memory: &MemoryShare,
        folders: Option<&Folders>,
    ) -> Result<Object, StorageError> {
        match location {
            Location::S3 { bucket, key } => self.open_bucket(bucket)?.read(key, limit, memory).await,
            Location::Local(path) => {
                let content = local_file::read(path, limit, memory, folders).await?;
                Ok(Object { content, content_type: None })
            }
        }
    }

    /// Writes or replaces an object atomically.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn write(&self, location: &Location, content: Bytes) -> Result<(), StorageError> {
        match location {
            Location::S3 { bucket, key } => self.open_bucket(bucket)?.write(key, content).await,
            Location::Local(path) => {
                let path = path.clone();
                let writing = tokio::task::spawn_blocking(move || write_file(&path, &content));
                writing.await.map_err(|error| StorageError::Internal(Reason::new(error)))?
            }
        }
    }

    fn open_bucket(&self, bucket: &str) -> Result<Arc<Bucket>, StorageError> {
        self.bucket(bucket).map_err(|error| StorageError::Internal(Reason::new(error)))
    }
}

fn write_file(path: &PathBuf, content: &[u8]) -> Result<(), StorageError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| StorageError::from_io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_file_is_written_atomically_and_replaces_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::default();
        let place = Location::Local(folder.path().join("deeper/a.out"));
        for content in ["first", "second"] {
            storage.write(&place, Bytes::from(content)).await.unwrap();
            assert_eq!(storage.read(&place, 6).await.unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("deeper")).unwrap().count(), 1, "no temporary file is left");
        assert_eq!(storage.read(&place, 5).await, Err(StorageError::TooLarge { bytes: 6, limit: 5 }));
    }

    #[actix_web::test]
    async fn missing_files_and_failed_writes_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::default();
        let file = Location::Local(folder.path().join("a"));
        assert_eq!(storage.read(&file, 1).await, Err(StorageError::NotFound));
        storage.write(&file, Bytes::new()).await.unwrap();
        let below_a_file = Location::Local(folder.path().join("a/b"));
        let error = storage.write(&below_a_file, Bytes::new()).await.unwrap_err();
        assert!(matches!(&error, StorageError::Internal(reason) if reason.to_string().contains("a/b")), "{error:?}");
    }
}

//! Where objects lie: in folders of this machine, or in buckets of S3 or of what speaks its protocol.
//!
//! A [`Location`] is a place by name. [`Storage`] reads and writes whole objects at such places, a [`Bucket`] is one bucket
//! of it. `bucket` and `connection` are the only files that name the object store's crate. This room knows nothing of models, of jobs, or of who asks.

mod bucket;
mod failure;
mod local_file;
mod location;
mod missing_path;
mod s3_client;
mod s3_error;
mod s3_settings;
mod version;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

pub use bucket::{Bucket, Entry, Object, S3Access, Upload};
pub use failure::Failure;
pub use local_file::Folders;
pub use location::Location;
pub use missing_path::{absolute, nothing_at, read_text};
pub use version::{Version, last_modified};

use crate::error::Result;
use crate::leased_bytes::MemoryShare;
use byoc_formats::error::chain;

/// Folders and buckets. Each bucket is opened once.
#[derive(Debug, Default)]
pub struct Storage {
    s3: S3Access,
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
}

impl Storage {
    /// The places of this machine, and of S3 as `s3` says it is reached.
    pub fn new(s3: S3Access) -> Storage {
        Storage { s3, buckets: Mutex::default() }
    }

    /// The bucket of a name.
    ///
    /// # Errors
    /// [`Cause::BadSetting`](crate::error::Cause::BadSetting) when there are no credentials, or S3's settings make no sense.
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Arc::new(Bucket::open(name, &self.s3)?);
        buckets.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    /// Whether a place could be reached at all, as far as that can be known beforehand.
    ///
    /// # Errors
    /// Those of [`Storage::bucket`].
    pub fn check(&self, location: &Location) -> Result<()> {
        match location {
            Location::Local(_) => Ok(()),
            Location::S3 { bucket, .. } => self.bucket(bucket).map(drop),
        }
    }

    /// What tells the content of an object, or of a folder of this machine, from another.
    ///
    /// # Errors
    /// [`Failure`]: nothing is there, or it cannot be looked at.
    pub async fn version(&self, location: &Location) -> Result<Version, Failure> {
        match location {
            Location::S3 { bucket, key } => {
                self.opened(bucket)?.look_at(key).await.map(|(entry, _)| Version::of_object(&entry))
            }
            Location::Local(path) => {
                let path = path.clone();
                let looking = tokio::task::spawn_blocking(move || Version::of_path(&path));
                looking.await.map_err(|error| Failure::Internal(error.to_string()))?
            }
        }
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Failure`]: it is not there, may not be read, is too large, or did not come.
    pub async fn read(&self, location: &Location, limit: u64) -> Result<Bytes, Failure> {
        self.read_within(location, limit, &MemoryShare::unbounded(), None).await.map(|object| object.content)
    }

    /// Reads an object that others name, of at most `limit` bytes, which are leased from `memory`. A file of this machine must
    /// lie below one of the folders, if there are any.
    ///
    /// # Errors
    /// As [`Storage::read`], and [`Failure::InsufficientMemory`].
    pub async fn read_within(
        &self,
        location: &Location,
        limit: u64,
        memory: &MemoryShare,
        folders: Option<&Folders>,
    ) -> Result<Object, Failure> {
        match location {
            Location::S3 { bucket, key } => self.opened(bucket)?.read(key, limit, memory).await,
            Location::Local(path) => {
                let content = local_file::read(path, limit, memory, folders).await?;
                Ok(Object { content, content_type: None })
            }
        }
    }

    /// Writes an object whole or not at all: whoever sees it sees all of it. What is there already is replaced.
    ///
    /// # Errors
    /// [`Failure`]: it may not be written, or could not be.
    pub async fn write(&self, location: &Location, content: Bytes) -> Result<(), Failure> {
        match location {
            Location::S3 { bucket, key } => self.opened(bucket)?.write(key, content).await,
            Location::Local(path) => {
                let path = path.clone();
                let writing = tokio::task::spawn_blocking(move || write_file(&path, &content));
                writing.await.map_err(|error| Failure::Internal(error.to_string()))?
            }
        }
    }

    fn opened(&self, bucket: &str) -> Result<Arc<Bucket>, Failure> {
        self.bucket(bucket).map_err(|error| Failure::Internal(chain(&error).to_string()))
    }
}

fn write_file(path: &PathBuf, content: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| Failure::of_file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_file_is_written_whole_and_in_place_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::default();
        let place = Location::Local(folder.path().join("deeper/a.out"));
        for content in ["first", "second"] {
            storage.write(&place, Bytes::from(content)).await.unwrap();
            assert_eq!(storage.read(&place, 6).await.unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("deeper")).unwrap().count(), 1, "nothing else is left there");
        assert_eq!(storage.read(&place, 5).await, Err(Failure::TooLarge { bytes: 6, limit: 5 }));
    }

    #[actix_web::test]
    async fn what_is_not_there_is_not_there_and_what_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::default();
        let file = Location::Local(folder.path().join("a"));
        assert_eq!(storage.read(&file, 1).await, Err(Failure::NotThere));
        storage.write(&file, Bytes::new()).await.unwrap();
        let below_a_file = Location::Local(folder.path().join("a/b"));
        let error = storage.write(&below_a_file, Bytes::new()).await.unwrap_err();
        assert!(matches!(&error, Failure::Internal(message) if message.contains("a/b")), "{error:?}");
    }
}

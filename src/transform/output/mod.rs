//! Writes outputs: one `.out` file per object, complete or absent, with a record of what it was made from.
//!
//! The record lets a job that was killed continue where it stopped. It is a fingerprint of the object and of everything
//! that affects its output: in a folder a line of the [`journal`], in S3 metadata of the output itself, so that the
//! bucket contains only outputs.

mod folder;
mod journal;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::storage::{Bucket, Location, Storage, StorageError, Upload};
use crate::transform::storage_error::read_failed;
pub(super) use folder::STATE_FOLDER;
use folder::{Folder, FolderDraft};

/// The destination of all outputs of a job.
#[derive(Debug)]
pub(super) struct Output {
    location: Location,
    destination: Destination,
    /// Uploads that are being aborted.
    aborts: Aborts,
}

type Aborts = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// How long to wait for aborted uploads.
const ABORT_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Destination {
    Folder(Arc<Folder>),
    Bucket {
        bucket: Arc<Bucket>,
        /// The keys that existed when the job began; `None` if they cannot be listed, because of a key that byoc cannot
        /// represent.
        existing: Option<BTreeSet<String>>,
    },
}

/// An output that is being written. It is discarded unless it is finished.
pub(super) struct Draft {
    location: Location,
    draft: DraftKind,
    last: Option<u8>,
    aborts: Aborts,
}

enum DraftKind {
    Folder(FolderDraft),
    /// The upload is aborted if dropped unfinished, since S3 would charge for its parts.
    Bucket(Option<Upload>),
}

/// The name of an object's output.
fn file_name(name: &str) -> String {
    format!("{name}.out")
}

impl Output {
    /// Opens a destination, and removes unfinished outputs of a job that was killed.
    ///
    /// # Errors
    /// If it cannot be written to, or another job is writing there.
    pub(super) async fn open(location: &Location, storage: &Storage) -> Result<Output> {
        let destination = match location {
            Location::Local(path) => Destination::Folder(Arc::new(Folder::open(path)?)),
            Location::S3 { bucket, .. } => {
                let bucket = storage.bucket(bucket)?;
                let Location::S3 { key, .. } = location.below("") else { return Err(wrong_location(location)) };
                let existing = match bucket.list(&key).await {
                    Ok(listed) => Some(listed.into_iter().map(|entry| entry.key).collect()),
                    Err(StorageError::InvalidKey(_)) => None,
                    Err(failure) => return Err(read_failed(location, failure)),
                };
                Destination::Bucket { bucket, existing }
            }
        };
        Ok(Output { location: location.clone(), destination, aborts: Aborts::default() })
    }

    /// Whether an object's output exists and has this fingerprint.
    ///
    /// # Errors
    /// If the storage cannot be read.
    pub(super) async fn is_done(&self, name: &str, fingerprint: &str) -> Result<bool> {
        let file = file_name(name);
        match (&self.destination, self.location.below(&file)) {
            (Destination::Folder(folder), _) => Ok(folder.is_done(&file, fingerprint)),
            (Destination::Bucket { bucket, existing }, Location::S3 { key, .. }) if may_exist(existing, &key) => {
                match bucket.head(&key).await {
                    Ok((_, label)) => Ok(label.as_deref() == Some(fingerprint)),
                    Err(StorageError::NotFound) => Ok(false),
                    Err(failure) => Err(read_failed(&self.location, failure)),
                }
            }
            _ => Ok(false),
        }
    }

    /// Begins an object's output.
    ///
    /// # Errors
    /// If the destination cannot be written to.
    pub(super) fn begin(&self, name: &str, fingerprint: &str) -> Result<Draft> {
        let file = file_name(name);
        let location = self.location.below(&file);
        let draft = match (&self.destination, &location) {
            (Destination::Bucket { bucket, .. }, Location::S3 { key, .. }) => {
                let upload = bucket.upload(key, fingerprint).map_err(|failure| read_failed(&location, failure))?;
                DraftKind::Bucket(Some(upload))
            }
            (Destination::Folder(folder), _) => DraftKind::Folder(folder.begin(file, fingerprint)?),
            (Destination::Bucket { .. }, Location::Local(_)) => return Err(wrong_location(&location)),
        };
        Ok(Draft { location, draft, last: None, aborts: Arc::clone(&self.aborts) })
    }

    /// Waits until aborted uploads are removed.
    pub(super) async fn finish_aborts(&self) {
        let aborts = std::mem::take(&mut *self.aborts.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(ABORT_LIMIT, join_all(aborts)).await;
    }

    /// Removes an outdated output of an earlier run, after its object failed in this one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let file = file_name(name);
        match (&self.destination, self.location.below(&file)) {
            (Destination::Folder(folder), _) => folder.remove(&file),
            (Destination::Bucket { bucket, existing }, Location::S3 { key, .. }) if may_exist(existing, &key) => {
                bucket.delete(&key).await.map_err(|failure| read_failed(&self.location, failure))
            }
            _ => Ok(()),
        }
    }
}

fn may_exist(existing: &Option<BTreeSet<String>>, key: &str) -> bool {
    existing.as_ref().is_none_or(|existing| existing.contains(key))
}

fn wrong_location(location: &Location) -> crate::error::Error {
    crate::error::Error::new(crate::error::Cause::Internal, format!("{location} is neither a folder nor a bucket"))
}

impl Draft {
    /// Appends to it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) async fn write(&mut self, content: Bytes) -> Result<()> {
        self.last = content.last().copied().or(self.last);
        match &mut self.draft {
            DraftKind::Folder(draft) => draft.write(content).await,
            DraftKind::Bucket(None) => Ok(()),
            DraftKind::Bucket(Some(upload)) => {
                upload.write(content).await.map_err(|failure| read_failed(&self.location, failure))
            }
        }
    }

    /// Whether the output so far ends with a line end.
    pub(super) fn ends_in_line_end(&self) -> bool {
        self.last == Some(b'\n')
    }

    /// Publishes the output, replacing an earlier one.
    ///
    /// # Errors
    /// If it cannot be written; [`crate::error::Cause::ObjectsFailed`] if something else, such as a folder, is in its
    /// place.
    pub(super) async fn finish(mut self) -> Result<()> {
        match &mut self.draft {
            DraftKind::Folder(draft) => draft.finish().await,
            DraftKind::Bucket(upload) => match upload.take() {
                None => Ok(()),
                Some(upload) => upload.finish().await.map_err(|failure| read_failed(&self.location, failure)),
            },
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let DraftKind::Bucket(upload) = &mut self.draft
            && let Some(upload) = upload.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let abort = runtime.spawn(upload.abort());
            self.aborts.lock().unwrap_or_else(PoisonError::into_inner).push(abort);
        }
    }
}

//! Where answers go: one `.out` an object, whole or not at all, and a note of what it was made of.
//!
//! The note is what lets a job that was killed go on where it was. It is a fingerprint of the object and of all that shapes
//! its output: in a folder it is a line of the [`journal`], in S3 it is metadata of the output itself, so that nothing but
//! outputs lies in the bucket.

mod folder;
mod journal;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::storage::{Bucket, Failure, Location, Storage, Upload};
use crate::transform::objects::not_read;
pub(super) use folder::OWN_FOLDER;
use folder::{Folder, FolderDraft};

/// The place of all outputs of a job.
#[derive(Debug)]
pub(super) struct Output {
    location: Location,
    place: Place,
    /// Uploads that are being given up.
    aborts: Aborts,
}

type Aborts = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// How long uploads that are given up may take to be so.
const ABORT_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Place {
    Folder(Arc<Folder>),
    Bucket {
        bucket: Arc<Bucket>,
        /// What was there when the job began, by key; nobody knows where it cannot be listed, because of a key that is none
        /// of ours.
        there: Option<BTreeSet<String>>,
    },
}

/// An output that is being written. It is dropped without a trace unless it is finished.
pub(super) struct Draft {
    location: Location,
    draft: Kind,
    last: Option<u8>,
    aborts: Aborts,
}

enum Kind {
    Folder(FolderDraft),
    /// An upload is aborted when it is dropped unfinished: S3 would charge for its parts.
    Bucket(Option<Upload>),
}

/// The name of an object's output.
fn file_name(name: &str) -> String {
    format!("{name}.out")
}

impl Output {
    /// Opens a place for outputs; what a job that was killed left half written is removed.
    ///
    /// # Errors
    /// When it cannot be written to, or another job writes there just now.
    pub(super) async fn open(location: &Location, storage: &Storage) -> Result<Output> {
        let place = match location {
            Location::Local(path) => Place::Folder(Arc::new(Folder::open(path)?)),
            Location::S3 { bucket, .. } => {
                let bucket = storage.bucket(bucket)?;
                let Location::S3 { key, .. } = location.below("") else { return Err(not_there(location)) };
                let there = match bucket.list(&key).await {
                    Ok(listed) => Some(listed.into_iter().map(|entry| entry.key).collect()),
                    Err(Failure::BadKey(_)) => None,
                    Err(failure) => return Err(not_read(location, &failure)),
                };
                Place::Bucket { bucket, there }
            }
        };
        Ok(Output { location: location.clone(), place, aborts: Aborts::default() })
    }

    /// Whether an object's output is there and was made of the very same.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(super) async fn is_done(&self, name: &str, fingerprint: &str) -> Result<bool> {
        let file = file_name(name);
        match (&self.place, self.location.below(&file)) {
            (Place::Folder(folder), _) => Ok(folder.is_done(&file, fingerprint)),
            (Place::Bucket { bucket, there }, Location::S3 { key, .. }) if may_be(there, &key) => {
                match bucket.look_at(&key).await {
                    Ok((_, label)) => Ok(label.as_deref() == Some(fingerprint)),
                    Err(Failure::NotThere) => Ok(false),
                    Err(failure) => Err(not_read(&self.location, &failure)),
                }
            }
            _ => Ok(false),
        }
    }

    /// Begins an object's output.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(super) fn begin(&self, name: &str, fingerprint: &str) -> Result<Draft> {
        let file = file_name(name);
        let location = self.location.below(&file);
        let draft = match (&self.place, &location) {
            (Place::Bucket { bucket, .. }, Location::S3 { key, .. }) => {
                let upload = bucket.upload(key, fingerprint).map_err(|failure| not_read(&location, &failure))?;
                Kind::Bucket(Some(upload))
            }
            (Place::Folder(folder), _) => Kind::Folder(folder.begin(file, fingerprint)?),
            (Place::Bucket { .. }, Location::Local(_)) => return Err(not_there(&location)),
        };
        Ok(Draft { location, draft, last: None, aborts: Arc::clone(&self.aborts) })
    }

    /// Waits until what was given up is gone.
    pub(super) async fn settle(&self) {
        let aborts = std::mem::take(&mut *self.aborts.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(ABORT_LIMIT, join_all(aborts)).await;
    }

    /// Removes an output of an earlier run: the object failed, and what it was made of is not what is there now.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let file = file_name(name);
        match (&self.place, self.location.below(&file)) {
            (Place::Folder(folder), _) => folder.remove(&file),
            (Place::Bucket { bucket, there }, Location::S3 { key, .. }) if may_be(there, &key) => {
                bucket.delete(&key).await.map_err(|failure| not_read(&self.location, &failure))
            }
            _ => Ok(()),
        }
    }
}

fn may_be(there: &Option<BTreeSet<String>>, key: &str) -> bool {
    there.as_ref().is_none_or(|there| there.contains(key))
}

fn not_there(location: &Location) -> crate::error::Error {
    crate::error::Error::new(crate::error::Cause::Internal, format!("{location} is neither a folder nor a bucket"))
}

impl Draft {
    /// Appends to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn write(&mut self, content: Bytes) -> Result<()> {
        self.last = content.last().copied().or(self.last);
        match &mut self.draft {
            Kind::Folder(draft) => draft.write(content).await,
            Kind::Bucket(None) => Ok(()),
            Kind::Bucket(Some(upload)) => {
                upload.write(content).await.map_err(|failure| not_read(&self.location, &failure))
            }
        }
    }

    /// Whether what was written so far ends a line.
    pub(super) fn ends_in_line_end(&self) -> bool {
        self.last == Some(b'\n')
    }

    /// Shows it, in place of what was there before.
    ///
    /// # Errors
    /// When it cannot be written to its end; [`crate::error::Cause::ObjectsFailed`] where something else lies in its place.
    pub(super) async fn finish(mut self) -> Result<()> {
        match &mut self.draft {
            Kind::Folder(draft) => draft.finish().await,
            Kind::Bucket(upload) => match upload.take() {
                None => Ok(()),
                Some(upload) => upload.finish().await.map_err(|failure| not_read(&self.location, &failure)),
            },
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Kind::Bucket(upload) = &mut self.draft
            && let Some(upload) = upload.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let abort = runtime.spawn(upload.abort());
            self.aborts.lock().unwrap_or_else(PoisonError::into_inner).push(abort);
        }
    }
}

//! Why an object could not be read or written.

use std::fmt;
use std::path::Path;

use crate::leased_bytes::InsufficientMemory;

/// Why an object could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// There is no object of this name.
    NotFound,
    /// The file system or S3 denies access, for this reason.
    AccessDenied(String),
    /// The object is larger than the caller accepts.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The largest accepted size in bytes.
        limit: u64,
    },
    /// There is not enough memory for it.
    InsufficientMemory(InsufficientMemory),
    /// Other models use the disk space that it needs.
    InsufficientDisk,
    /// The path leads to a folder, a pipe or a device.
    NotARegularFile,
    /// There is no such bucket.
    NoSuchBucket,
    /// S3 allows this key, but object_store does not: it has an empty segment, `.`, `..` or a control character.
    InvalidKey(String),
    /// The store did not respond, or its response was incomplete. A retry may succeed.
    Unavailable(String),
    /// An error of this machine, for example of its disk.
    Internal(String),
}

impl StorageError {
    /// Converts an error of the file system for a path.
    pub(super) fn from_io(path: &Path, error: &std::io::Error) -> StorageError {
        match error.kind() {
            std::io::ErrorKind::NotFound => StorageError::NotFound,
            std::io::ErrorKind::PermissionDenied => StorageError::AccessDenied(format!("{}: {error}", path.display())),
            _ => StorageError::Internal(format!("{}: {error}", path.display())),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::NotFound => f.write_str("nothing is there"),
            StorageError::AccessDenied(message) => write!(f, "access is denied: {message}"),
            StorageError::TooLarge { bytes, limit } => write!(f, "it has {bytes} bytes; at most {limit}"),
            StorageError::InsufficientMemory(InsufficientMemory::NeverFits(most)) => {
                write!(f, "it is larger than the {most} bytes that there can ever be memory for")
            }
            StorageError::InsufficientMemory(InsufficientMemory::NotNow) => {
                f.write_str("other requests hold the memory that it needs")
            }
            StorageError::InsufficientDisk => f.write_str("other models hold the disk space that it needs"),
            StorageError::NotARegularFile => f.write_str("it is not a regular file"),
            StorageError::NoSuchBucket => f.write_str("no such bucket"),
            StorageError::InvalidKey(key) => write!(
                f,
                "the key {key:?} cannot be read here (it has an empty part, \".\" or \"..\" between slashes, or a \
                 control character): rename the object, or name others by a longer prefix or a manifest"
            ),
            StorageError::Unavailable(message) => f.write_str(message),
            StorageError::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for StorageError {}

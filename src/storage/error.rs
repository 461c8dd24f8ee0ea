//! Why an object could not be read or written.

use std::fmt;
use std::path::Path;

use crate::error::{Cause, Error, Reason};
use crate::leased_bytes::InsufficientMemory;

/// Why an object could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// There is no object of this name.
    NotFound,
    /// The file system or S3 denies access, for this reason.
    AccessDenied(Reason),
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
    Unavailable(Reason),
    /// An error of this machine, for example of its disk.
    Internal(Reason),
}

impl StorageError {
    /// Converts an error of the file system for a path.
    pub(super) fn from_io(path: &Path, error: std::io::Error) -> StorageError {
        let kind = error.kind();
        let reason = Reason::new(Error::new(Cause::Io, path.display().to_string()).caused_by(error));
        match kind {
            std::io::ErrorKind::NotFound => StorageError::NotFound,
            std::io::ErrorKind::PermissionDenied => StorageError::AccessDenied(reason),
            _ => StorageError::Internal(reason),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::NotFound => f.write_str("nothing is there"),
            StorageError::AccessDenied(_) => f.write_str("access is denied"),
            StorageError::TooLarge { bytes, limit } => write!(f, "it has {bytes} bytes; expected at most {limit}"),
            StorageError::InsufficientMemory(InsufficientMemory::NeverFits(most)) => {
                write!(f, "it is larger than {most} bytes, the most that can ever fit into memory")
            }
            StorageError::InsufficientMemory(InsufficientMemory::NotNow) => {
                f.write_str("other requests use the memory that it needs")
            }
            StorageError::InsufficientDisk => f.write_str("other models use the disk space that it needs"),
            StorageError::NotARegularFile => f.write_str("it is not a regular file"),
            StorageError::NoSuchBucket => f.write_str("no such bucket"),
            StorageError::InvalidKey(key) => write!(
                f,
                "the key {key:?} cannot be read here (it has an empty part, \".\" or \"..\" between slashes, or a \
                 control character): rename the object, or name others by a longer prefix or a manifest"
            ),
            StorageError::Unavailable(reason) | StorageError::Internal(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StorageError::AccessDenied(reason) => Some(reason),
            StorageError::Unavailable(reason) | StorageError::Internal(reason) => reason.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::ErrorKind;

    use super::*;
    use byoc_formats::error::chain;

    #[test]
    fn an_error_of_the_file_system_is_a_source_and_reads_on_after_the_path() {
        let of = |kind: ErrorKind| StorageError::from_io(Path::new("/a/b"), kind.into());
        assert_eq!(of(ErrorKind::NotFound), StorageError::NotFound);
        for (kind, own, all) in [
            (ErrorKind::PermissionDenied, "access is denied", "access is denied: /a/b: permission denied"),
            (ErrorKind::StorageFull, "/a/b", "/a/b: no storage space"),
        ] {
            let error = of(kind);
            assert_eq!((error.to_string().as_str(), chain(&error).to_string().as_str()), (own, all));
            let last = std::iter::successors(error.source(), |&error| error.source()).last();
            let io = last.and_then(|last| last.downcast_ref::<std::io::Error>());
            assert_eq!(io.map(std::io::Error::kind), Some(kind));
        }
    }
}

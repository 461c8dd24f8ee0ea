//! Why an object could not be read or written.

use std::fmt;
use std::path::Path;

use crate::leased_bytes::InsufficientMemory;

/// Why an object could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing lies at its place.
    NotThere,
    /// We may not.
    Denied(String),
    /// It has more bytes than are wanted.
    TooLarge {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        limit: u64,
    },
    /// There is no memory for it.
    InsufficientMemory(InsufficientMemory),
    /// There is no room for it on the disk now.
    NoDisk,
    /// What lies there is a folder, a pipe or a device.
    NotAFile,
    /// There is no such bucket.
    NoBucket,
    /// A key that the store may have, but that cannot be asked for here: it has empty parts, `.` or `..`, or control
    /// characters.
    BadKey(String),
    /// The store did not answer, or not to the end; another time it may.
    Unavailable(String),
    /// This machine could not do its part.
    Internal(String),
}

impl Failure {
    /// What an error of this machine's file system means.
    pub(super) fn of_file(path: &Path, error: &std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::NotThere,
            std::io::ErrorKind::PermissionDenied => Failure::Denied(format!("{}: {error}", path.display())),
            _ => Failure::Internal(format!("{}: {error}", path.display())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotThere => f.write_str("nothing is there"),
            Failure::Denied(message) => write!(f, "access is denied: {message}"),
            Failure::TooLarge { bytes, limit } => write!(f, "it has {bytes} bytes; at most {limit}"),
            Failure::InsufficientMemory(InsufficientMemory::NeverFits(most)) => {
                write!(f, "it has more bytes than there could ever be memory for, which is {most}")
            }
            Failure::InsufficientMemory(InsufficientMemory::NotNow) => {
                f.write_str("others hold the memory that it needs")
            }
            Failure::NoDisk => f.write_str("others hold the room on the disk that it needs"),
            Failure::NotAFile => f.write_str("it is not a regular file"),
            Failure::NoBucket => f.write_str("no such bucket"),
            Failure::BadKey(key) => write!(
                f,
                "the key {key:?} cannot be read here (it has an empty part, \".\" or \"..\" between slashes, or a control \
                 character): rename the object, or name others by a longer prefix or a manifest"
            ),
            Failure::Unavailable(message) => f.write_str(message),
            Failure::Internal(message) => f.write_str(message),
        }
    }
}

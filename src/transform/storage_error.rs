//! Converts storage errors into errors of a job.

use crate::error::{Cause, Error};
use crate::storage::{Location, StorageError};

/// The error for an object that cannot be read or listed.
pub(super) fn read_failed(location: &Location, failure: StorageError) -> Error {
    let cause = match &failure {
        StorageError::NotFound
        | StorageError::AccessDenied(_)
        | StorageError::TooLarge { .. }
        | StorageError::InsufficientMemory(_)
        | StorageError::NotARegularFile
        | StorageError::NoSuchBucket
        | StorageError::InvalidKey(_) => Cause::BadSetting,
        StorageError::Unavailable(_) | StorageError::InsufficientDisk => Cause::Unreachable,
        StorageError::Internal(_) => Cause::Io,
    };
    let location = match (location, &failure) {
        (Location::S3 { bucket, .. }, StorageError::NoSuchBucket) => format!("s3://{bucket}"),
        _ => location.to_string(),
    };
    Error::new(cause, location).caused_by(failure)
}

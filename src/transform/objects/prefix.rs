//! The objects of a bucket whose keys begin with a prefix.

use super::Object;
use crate::error::Result;
use crate::storage::{Location, Storage, StorageError};
use crate::transform::storage_error::read_failed;

/// The objects below a prefix of a bucket.
pub(super) async fn list(storage: &Storage, bucket: &str, prefix: &str) -> Result<Vec<Object>> {
    let input = Location::S3 { bucket: bucket.to_owned(), key: prefix.to_owned() };
    let listed = storage.bucket(bucket)?.list(prefix).await.map_err(|failure| read_failed(&input, failure))?;
    let mut objects = Vec::new();
    for entry in listed {
        // The S3 console makes an empty object for a folder. It is listed here without the slash at the end of
        // its key, and no object has that name.
        if entry.bytes == 0 && is_folder(&storage.bucket(bucket)?.head(&entry.key).await) {
            continue;
        }
        objects.push(Object {
            name: name_below(prefix, &entry.key),
            location: Location::S3 { bucket: bucket.to_owned(), key: entry.key },
            bytes: entry.bytes,
            version: entry.version,
        });
    }
    Ok(objects)
}

fn is_folder<T>(looked: &Result<T, StorageError>) -> bool {
    matches!(looked, Err(StorageError::NotFound))
}

/// A key's name below a prefix: the part after the prefix if that is a folder, else the part after its last slash.
fn name_below(prefix: &str, key: &str) -> String {
    let folder = prefix.trim_end_matches('/');
    let within =
        if folder.is_empty() { Some(key) } else { key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) };
    let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    let beside =
        if parent.is_empty() { Some(key) } else { key.strip_prefix(parent).and_then(|rest| rest.strip_prefix('/')) };
    within.or(beside).unwrap_or(key).trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_prefix_or_to_its_folder() {
        for (prefix, key, name) in [
            ("in/", "in/a/b.csv", "a/b.csv"),
            ("in", "in/a/b.csv", "a/b.csv"),
            ("in/da", "in/data1.csv", "data1.csv"),
            ("in/a.csv", "in/a.csv", "a.csv"),
            ("in", "in2/a.csv", "in2/a.csv"),
            ("", "a/b.csv", "a/b.csv"),
            ("part", "part-1.csv", "part-1.csv"),
        ] {
            assert_eq!(name_below(prefix, key), name, "{prefix} {key}");
        }
    }
}

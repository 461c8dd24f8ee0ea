//! A model that is not an archive: one object for each of its files, or a single object.
//!
//! The path of a file below the model's folder is the part of its key after the prefix. For a single object, it is the
//! part after the last slash
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html).

use std::collections::HashSet;
use std::path::Path;

use super::{FetchError, read_failed, remove};
use crate::error::{Error, Reason};
use crate::storage::{Bucket, StorageError};
use byoc_formats::targz::Limits;

/// The longest name of a file or folder, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Downloads all objects below a prefix into a folder, and replaces what is there. Returns their total size in bytes.
pub(super) async fn download_prefix(bucket: &Bucket, prefix: &str, into: &Path) -> Result<u64, FetchError> {
    let listed = bucket.list(prefix).await.map_err(|failure| match failure {
        // This error names the key that is invalid, which is one of many.
        StorageError::InvalidKey(_) => FetchError::BadArtifact(Reason::new(failure)),
        failure => read_failed(prefix, failure),
    })?;
    let Limits { entries, bytes: max_bytes, .. } = Limits::default();
    if listed.is_empty() {
        return Err(FetchError::NotFound(StorageError::NotFound));
    }
    if listed.len() > entries {
        let message = format!("expected at most {entries} objects below the prefix, found {}", listed.len());
        return Err(FetchError::BadArtifact(Reason::new(message)));
    }
    let bytes: u64 = listed.iter().map(|entry| entry.bytes).sum();
    if bytes > max_bytes {
        let message = format!("expected at most {max_bytes} bytes below the prefix, found {bytes}");
        return Err(FetchError::BadArtifact(Reason::new(message)));
    }
    let mut files = Vec::with_capacity(listed.len());
    for entry in &listed {
        let path = entry.key.strip_prefix(prefix).unwrap_or(&entry.key);
        check_path(&entry.key, path)?;
        // The S3 console creates an empty object for a folder. Its key ends with a slash, which is missing in the
        // listed key, so there is no object under that key.
        if entry.bytes == 0 && matches!(bucket.head(&entry.key).await, Err(StorageError::NotFound)) {
            let message = format!(
                "the key \"{}/\" is an empty object that represents a folder, which SageMaker does not accept in a \
                 model: delete it",
                entry.key
            );
            return Err(FetchError::BadArtifact(Reason::new(message)));
        }
        files.push((entry.key.as_str(), path));
    }
    check_clashes(&files)?;
    recreate_folder(into).await?;
    let mut written = 0;
    for (key, path) in files {
        written += download_file(bucket, key, &into.join(path), max_bytes - written).await?;
    }
    Ok(written)
}

/// Downloads an object into a folder, under the last part of its key, and replaces what is in the folder.
pub(super) async fn download_object(bucket: &Bucket, key: &str, into: &Path) -> Result<u64, FetchError> {
    let name = key.rsplit('/').next().unwrap_or(key);
    check_path(key, name)?;
    recreate_folder(into).await?;
    download_file(bucket, key, &into.join(name), Limits::default().bytes).await
}

/// Copies a local file into a folder, and replaces what is in the folder.
pub(super) async fn copy_file(file: &Path, into: &Path) -> Result<u64, FetchError> {
    let Some(name) = file.file_name().filter(|_| file.is_file()) else {
        let message = format!("{} is not a file, but S3DataType is S3Object", file.display());
        return Err(FetchError::BadArtifact(Reason::new(message)));
    };
    recreate_folder(into).await?;
    let copied = tokio::fs::copy(file, into.join(name)).await;
    copied.map_err(|error| internal(Error::io("copy", file, error)))
}

async fn recreate_folder(into: &Path) -> Result<(), FetchError> {
    remove(into).map_err(internal)?;
    make_folder(into).await
}

async fn make_folder(folder: &Path) -> Result<(), FetchError> {
    let made = tokio::fs::create_dir_all(folder).await;
    made.map_err(|error| internal(Error::io("create the folder", folder, error)))
}

async fn download_file(bucket: &Bucket, key: &str, path: &Path, max_bytes: u64) -> Result<u64, FetchError> {
    if let Some(folder) = path.parent() {
        make_folder(folder).await?;
    }
    let made = tokio::fs::File::create(path).await;
    let mut file = made.map_err(|error| internal(Error::io("create", path, error)))?;
    let reserve =
        |bytes| if bytes > max_bytes { Err(StorageError::TooLarge { bytes, limit: max_bytes }) } else { Ok(()) };
    let read = bucket.download(key, &mut file, reserve).await.map_err(|failure| read_failed(key, failure))?;
    Ok(read.bytes)
}

/// Checks that a path is valid for a file below the model's folder.
fn check_path(key: &str, path: &str) -> Result<(), FetchError> {
    let is_name = |name: &str| !name.trim().is_empty() && name != "." && name != ".." && name.len() <= MAX_NAME_BYTES;
    if path.split('/').all(|name| is_name(name) && !name.contains('\0')) {
        return Ok(());
    }
    Err(FetchError::BadArtifact(Reason::new(format!(
        "the key {key:?} cannot be the name of a model's file: expected names of 1 to {MAX_NAME_BYTES} bytes between \
         its slashes, not \".\" or \"..\""
    ))))
}

/// Checks that no file's path is the folder of another file.
fn check_clashes(files: &[(&str, &str)]) -> Result<(), FetchError> {
    let paths: HashSet<&str> = files.iter().map(|(_, path)| *path).collect();
    for (key, path) in files {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if let Some(folder) = folders.into_iter().find(|folder| paths.contains(folder)) {
            let message = format!("the key {key:?} needs a folder {folder:?}, which is the file of another key");
            return Err(FetchError::BadArtifact(Reason::new(message)));
        }
    }
    Ok(())
}

fn internal(error: Error) -> FetchError {
    FetchError::Internal(Reason::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;
    use crate::storage::{S3Access, Storage};
    use byoc_fake_container::{FakeContainer, response};
    use std::sync::Arc;

    /// A bucket with these objects. As in S3, a key that ends with a slash is not found without the slash.
    fn bucket(objects: &'static [(&'static str, &'static str)]) -> (FakeContainer, Arc<Bucket>) {
        let server = FakeContainer::start(move |seen| async move {
            if seen.query.contains("list-type=2") {
                let entry = |(key, body): &(&str, &str)| {
                    format!(
                        "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-23T06:00:00Z</LastModified>\
                         <ETag>\"1\"</ETag></Contents>",
                        body.len()
                    )
                };
                let entries: String = objects.iter().map(entry).collect();
                let list = format!("<?xml version=\"1.0\"?><ListBucketResult>{entries}</ListBucketResult>");
                return response(200).content_type("application/xml").body(list);
            }
            match objects.iter().find(|(key, _)| seen.path == format!("/bucket/{key}")) {
                Some((_, body)) => response(200)
                    .insert_header(("ETag", "\"1\""))
                    .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
                    .body(*body),
                None => response(404).body("<Error><Code>NoSuchKey</Code></Error>"),
            }
        });
        let variables = [
            (env::AWS_ACCESS_KEY_ID, "id"),
            (env::AWS_SECRET_ACCESS_KEY, "secret"),
            (env::AWS_ENDPOINT_URL_S3, server.origin.as_str().trim_end_matches('/')),
        ];
        let access = S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let bucket = Storage::new(access).bucket("bucket").unwrap();
        (server, bucket)
    }

    #[actix_web::test]
    async fn the_part_of_a_key_after_the_prefix_is_the_path_below_the_models_folder() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("model");
        std::fs::create_dir_all(&into).unwrap();
        std::fs::write(into.join("old"), "").unwrap();
        let (_server, objects) =
            bucket(&[("m/", ""), ("m/model.joblib", "pickle"), ("m/code/a/b.py", "code"), ("m/empty", "")]);
        assert_eq!(download_prefix(&objects, "m/", &into).await, Ok(10));
        for (path, content) in [("model.joblib", "pickle"), ("code/a/b.py", "code"), ("empty", "")] {
            assert_eq!(std::fs::read_to_string(into.join(path)).unwrap(), content);
        }
        assert!(!into.join("old").exists(), "files of an earlier run are removed");

        assert_eq!(download_object(&objects, "m/code/a/b.py", &into).await, Ok(4));
        let names: Vec<_> = std::fs::read_dir(&into).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["b.py"]);
        assert_eq!(download_object(&objects, "m/none", &into).await, Err(FetchError::NotFound(StorageError::NotFound)));
        assert_eq!(download_prefix(&objects, "other/", &into).await, Err(FetchError::NotFound(StorageError::NotFound)));
    }

    #[actix_web::test]
    async fn keys_that_are_not_valid_paths_are_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("model");
        for (objects, expected) in [
            (&[("m/weights", "1"), ("m/weights/part1", "2")][..], "needs a folder \"weights\""),
            (&[("m/a", "1"), ("m/sub/", ""), ("m/sub/b", "2")], "the key \"m/sub/\" is an empty object"),
            (&[("m/a//b", "1")], "m/a//b"),
            (&[("m/../b", "1")], "m/../b"),
            (&[("m/ /b", "1")], "the key \"m/ /b\" cannot be the name"),
        ] {
            let (_server, bucket) = bucket(objects);
            match download_prefix(&bucket, "m/", &into).await {
                Err(FetchError::BadArtifact(reason)) => {
                    assert!(reason.to_string().contains(expected), "{expected}: {reason}")
                }
                other => panic!("{expected}: {other:?}"),
            }
            assert!(!into.exists());
        }
    }

    #[actix_web::test]
    async fn a_local_file_is_copied_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (file, into) = (folder.path().join("m.joblib"), folder.path().join("model"));
        std::fs::write(&file, "pickle").unwrap();
        assert_eq!(copy_file(&file, &into).await, Ok(6));
        assert_eq!(std::fs::read_to_string(into.join("m.joblib")).unwrap(), "pickle");
        assert!(matches!(copy_file(folder.path(), &into).await, Err(FetchError::BadArtifact(_))));
    }
}

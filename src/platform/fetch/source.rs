//! A fetched file: an archive, or a model in a single file, with the `columns.json` beside it.

use std::path::{Path, PathBuf};

use super::{FetchError, remove};
use crate::error::{Cause, Error, Reason, Result};
use crate::storage::{Bucket, StorageError};
use byoc_formats::error;
use byoc_formats::file_kind;
use byoc_sklearn::preprocessor::COLUMNS_JSON;

/// The largest `columns.json` that is fetched, in bytes.
const MAX_COLUMNS_BYTES: u64 = 16 << 20;

/// A fetched file.
#[derive(Debug)]
pub struct Source {
    file: PathBuf,
    /// The path or key that it was fetched from.
    original_path: PathBuf,
    columns: Option<Columns>,
}

/// The `columns.json` beside a model in a single file.
#[derive(Debug)]
enum Columns {
    At(PathBuf),
    Read(Vec<u8>),
}

impl Source {
    /// A local file.
    pub fn local(file: PathBuf) -> Source {
        let columns = file.with_file_name(COLUMNS_JSON);
        let columns = columns.is_file().then_some(Columns::At(columns));
        Source { original_path: file.clone(), file, columns }
    }

    /// A downloaded object. If it is a model in a single file, the `columns.json` beside it is downloaded, too.
    pub(super) async fn downloaded(file: PathBuf, bucket: &Bucket, key: &str) -> Result<Source, FetchError> {
        let mut source = Source { file, original_path: Path::new(key).to_owned(), columns: None };
        if !source.is_lone_file() {
            return Ok(source);
        }
        let columns_key = match key.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{COLUMNS_JSON}"),
            None => COLUMNS_JSON.to_owned(),
        };
        let is_small = |bytes| match bytes {
            ..=MAX_COLUMNS_BYTES => Ok(()),
            bytes => Err(StorageError::TooLarge { bytes, limit: MAX_COLUMNS_BYTES }),
        };
        let mut columns = Vec::new();
        match bucket.download(&columns_key, &mut columns, is_small).await {
            Ok(_) => source.columns = Some(Columns::Read(columns)),
            // S3 answers "access denied" for a missing object if the caller may not list the bucket.
            Err(StorageError::NotFound | StorageError::AccessDenied(_)) => {}
            Err(failure @ StorageError::TooLarge { .. }) => {
                return Err(FetchError::BadArtifact(Reason::new(
                    Error::new(Cause::BadArtifact, columns_key).caused_by(failure),
                )));
            }
            Err(failure) => {
                return Err(FetchError::Unavailable(Reason::new(
                    Error::new(Cause::Unreachable, columns_key).caused_by(failure),
                )));
            }
        }
        Ok(source)
    }

    /// The path of the local file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether it is a model in a single file, and not an archive.
    pub(super) fn is_lone_file(&self) -> bool {
        file_kind::is_lone(&self.original_path, &self.file)
    }

    /// Creates a folder with a model in a single file, and its `columns.json`. Returns their size in bytes.
    ///
    /// # Errors
    /// Those of `reserve`, which is called with that size first; [`Cause::Io`] if the files
    /// cannot be copied.
    pub(super) fn copy(&self, into: &Path, reserve: &dyn Fn(u64) -> Result<(), error::Error>) -> Result<u64> {
        let length = |path: &Path| {
            std::fs::metadata(path).map(|file| file.len()).map_err(|error| Error::io("access", path, error))
        };
        let columns = match &self.columns {
            None => 0,
            Some(Columns::At(path)) => length(path)?,
            Some(Columns::Read(bytes)) => bytes.len() as u64,
        };
        let bytes = length(&self.file)?.saturating_add(columns);
        reserve(bytes)?;
        remove(into)?;
        std::fs::create_dir_all(into).map_err(|error| Error::io("create the folder", into, error))?;
        let target = into.join(self.original_path.file_name().unwrap_or_default());
        let copied = std::fs::copy(&self.file, &target).and_then(|_| {
            let target = into.join(COLUMNS_JSON);
            match &self.columns {
                None => Ok(()),
                Some(Columns::At(path)) => std::fs::copy(path, target).map(drop),
                Some(Columns::Read(bytes)) => std::fs::write(target, bytes),
            }
        });
        copied.map_err(|error| {
            // Leave no incomplete model.
            let _ = std::fs::remove_dir_all(into);
            Error::io("copy", &self.file, error)
        })?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FetchError, unpack_in_background};
    use super::*;

    #[actix_web::test]
    async fn a_model_in_a_single_file_is_copied_with_the_columns_json_beside_it() {
        let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let into = into.path().join("a/model");
        for (name, text) in [("model.joblib", "pickle"), ("columns.json", "{}"), ("other.txt", "other")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        for (name, files) in [("model.joblib", ["columns.json", "model.joblib"].as_slice())] {
            let fetched = unpack_in_background(Source::local(folder.path().join(name)), &into, None).await;
            assert_eq!(fetched, Ok(8));
            let mut found: Vec<_> = std::fs::read_dir(&into)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, files);
        }
        let fetched = unpack_in_background(Source::local(folder.path().join("other.txt")), &into, None).await;
        assert!(matches!(fetched, Err(FetchError::BadArtifact(_))), "{fetched:?}");
    }
}

//! The objects that a manifest names.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Object;
use super::folder::file_object;
use crate::error::{Cause, Error, Result};
use crate::storage::{Location, Storage, StorageError};
use crate::transform::storage_error::read_failed;
use byoc_formats::json_syntax;
use serde_json::error::Category;

/// The largest manifest, in bytes.
const MAX_MANIFEST: u64 = 64 << 20;
/// How many objects of a manifest are looked up concurrently.
const LOOKED_AT: usize = 16;

/// The objects of a manifest: a JSON list whose first element is `{"prefix": "s3://…"}` and whose others are keys
/// relative to that prefix (docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html).
pub(super) async fn list(storage: &Storage, manifest: &Location) -> Result<Vec<Object>> {
    let text = storage.read(manifest, MAX_MANIFEST).await.map_err(|failure| read_failed(manifest, failure))?;
    let folder = match manifest {
        Location::Local(path) => path.parent().map(PathBuf::from).unwrap_or_default(),
        Location::S3 { .. } => PathBuf::new(),
    };
    let entries = entries_of(&text, &folder).map_err(|error| error.within(manifest))?;
    let look_at = |(location, name): (Location, String)| async move {
        let failed = |failure: StorageError| read_failed(&location, failure);
        match &location {
            Location::Local(path) => {
                let metadata = std::fs::metadata(path).map_err(|error| Error::io("read the input", path, error))?;
                if !metadata.is_file() {
                    return Err(Error::new(Cause::BadSetting, format!("{location}: expected a file")));
                }
                Ok(file_object(path, name, &metadata))
            }
            Location::S3 { bucket, key } => {
                let (entry, _) = storage.bucket(bucket)?.head(key).await.map_err(failed)?;
                Ok(Object { location: location.clone(), name, bytes: entry.bytes, version: entry.version })
            }
        }
    };
    stream::iter(entries).map(look_at).buffered(LOOKED_AT).try_collect().await
}

fn entries_of(text: &[u8], folder: &Path) -> Result<Vec<(Location, String)>> {
    const EXPECTED: &str = "expected a JSON list such as [{\"prefix\": \"s3://bucket/data/\"}, \"a.csv\", \"b.csv\"]";
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Prefix { prefix: String },
        Key(String),
    }
    let invalid = |message: String| Error::new(Cause::BadSetting, message);
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|error| match error.classify() {
        Category::Data => invalid(EXPECTED.to_owned()),
        _ => invalid(EXPECTED.to_owned()).caused_by(json_syntax::describe(text, &error)),
    })?;
    let mut entries = entries.into_iter();
    let Some(Entry::Prefix { prefix }) = entries.next() else { return Err(invalid(EXPECTED.to_owned())) };
    entries
        .map(|entry| match entry {
            Entry::Prefix { .. } => Err(invalid(format!("{EXPECTED}; it has a second prefix"))),
            Entry::Key(key) if key.is_empty() || key.split('/').any(|part| part == "..") => {
                Err(invalid(format!("\"{key}\" is not a name below the prefix")))
            }
            Entry::Key(key) => {
                let location = match Location::parse_quoting(&prefix, folder).map_err(invalid)? {
                    // Only the prefix of an https:// URL is percent-encoded, not the keys.
                    Location::S3 { bucket, key: prefix } if !prefix.is_empty() => {
                        Location::S3 { bucket, key: format!("{prefix}{key}") }
                    }
                    _ => Location::parse_quoting(&format!("{prefix}{key}"), folder).map_err(invalid)?,
                };
                Ok((location, key.trim_start_matches('/').to_owned()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::create_transform_job::S3DataType;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn the_prefix_of_a_manifest_is_decoded_as_a_url_and_its_keys_are_not() {
        for (prefix, expected) in [
            ("s3://b/data/", "s3://b/data/a%20b+.csv"),
            ("https://b.s3.eu-west-1.amazonaws.com/my%20data/", "s3://b/my data/a%20b+.csv"),
            ("https://s3.amazonaws.com/b/pre-", "s3://b/pre-a%20b+.csv"),
        ] {
            let text = format!(r#"[{{"prefix": "{prefix}"}}, "a%20b+.csv"]"#);
            let entries = entries_of(text.as_bytes(), Path::new("/")).unwrap();
            assert_eq!(entries[0].0.to_string(), expected);
            assert_eq!(entries[0].1, "a%20b+.csv");
        }
    }

    #[test]
    fn why_a_manifest_is_not_json_is_the_source_of_its_error() {
        let error = entries_of(b"[{]", Path::new("/")).unwrap_err().context("s3://b/m");
        assert!(error.message().starts_with("s3://b/m: expected a JSON list such as "), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "expected JSON: line 1, column 3: expected a name in quotes or }, found \"]\"");
    }

    #[test]
    fn a_manifest_names_objects_below_its_prefix() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["data/x/a.csv", "data/b.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "1\n").unwrap();
        }
        let manifest = folder.path().join("manifest.json");
        let find = |text: &str| {
            std::fs::write(&manifest, text).unwrap();
            let output = Location::Local(folder.path().join("out"));
            let manifest = Location::Local(manifest.clone());
            block_on(crate::transform::objects::find(&Storage::default(), S3DataType::ManifestFile, &manifest, &output))
        };
        let objects = find(r#"[{"prefix": "data/"}, "x/a.csv", "b.csv"]"#).unwrap();
        let found: Vec<_> = objects.iter().map(|one| (one.name.as_str(), one.location.clone())).collect();
        let at = |name: &str| Location::Local(folder.path().join(name));
        assert_eq!(found, [("b.csv", at("data/b.csv")), ("x/a.csv", at("data/x/a.csv"))]);
        for (text, expected) in [
            (r#"["a.csv"]"#, "expected a JSON list"),
            ("{}", "expected a JSON list"),
            (r#"[{"prefix": "data/"}, "../manifest.json"]"#, "is not a name below the prefix"),
            (r#"[{"prefix": "data/"}, {"prefix": "x"}]"#, "second prefix"),
            (r#"[{"prefix": "data/"}, "none.csv"]"#, "none.csv"),
            (r#"[{"prefix": "data/"}, "b.csv", "b.csv"]"#, "would both be written to b.csv.out"),
            (r#"[{"prefix": "data/"}]"#, "there are no objects"),
        ] {
            let error = find(text).unwrap_err();
            assert!(error.message().contains(expected), "{text}: {error}");
        }
    }
}

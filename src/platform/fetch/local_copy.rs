//! Copies a model from a bucket to a local file or folder of the same name, and suggests keys if there is none.

use std::path::{Path, PathBuf};

use super::{FetchError, files, open_bucket};
use crate::storage::{Bucket, Entry, Location, Storage, StorageError};
use byoc_formats::suggest;

/// The most objects that are listed near a missing one, to suggest a key.
const MAX_LISTED: usize = 1000;

/// The local path of a model. A local model keeps its path. A model in S3 is downloaded below `temporary`: as a file if
/// there is an object with the key, otherwise as a folder with the objects below the key. Archives are not unpacked.
///
/// # Errors
/// [`FetchError`] if it does not exist, cannot be downloaded, or is larger than an unpacked archive may be.
pub async fn copy_to_local(location: &Location, storage: &Storage, temporary: &Path) -> Result<PathBuf, FetchError> {
    let (bucket, key) = match location {
        Location::Local(path) => return Ok(path.clone()),
        Location::S3 { bucket, key } => (open_bucket(storage, bucket)?, key.trim_end_matches('/')),
    };
    let name = key.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("model");
    if !key.is_empty() {
        let into = temporary.join("object");
        match files::download_object(&bucket, key, &into).await {
            Err(FetchError::NotFound(StorageError::NotFound)) => {}
            copied => return copied.map(|_| into.join(name)),
        }
    }
    let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
    let target = temporary.join("folder").join(name);
    match files::download_prefix(&bucket, &prefix, &target).await {
        Err(FetchError::NotFound(StorageError::NotFound)) => Err(not_found(&bucket, location).await),
        copied => copied.map(|_| target),
    }
}

/// The error for a missing object, with a suggestion if there are objects nearby.
pub(super) async fn not_found(bucket: &Bucket, location: &Location) -> FetchError {
    match suggestion(bucket, location).await {
        Some(suggestion) => FetchError::NotFoundWithSuggestion(format!("there is no such object{suggestion}")),
        None => FetchError::NotFound(StorageError::NotFound),
    }
}

/// Suggests a key for a missing one: the end of a sentence such as `: did you mean s3://…? s3://… has …`. It lists the
/// deepest folder of the key that exists.
pub async fn suggestion(bucket: &Bucket, location: &Location) -> Option<String> {
    let Location::S3 { bucket: bucket_name, key } = location else { return None };
    let key = key.trim_end_matches('/');
    let slashes = key.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
    for above in slashes.filter_map(|end| key.get(..end)) {
        // Callers that may read an object may not be allowed to list.
        let beside = bucket.list_at_most(above, MAX_LISTED).await.unwrap_or_default();
        let mut names: Vec<&str> = below(above, &beside)
            .map(|name| name.split_inclusive('/').next().unwrap_or_default())
            .filter(|name| !name.is_empty())
            .collect();
        names.dedup();
        if names.is_empty() {
            continue;
        }
        let missing = key.get(above.len()..).unwrap_or_default();
        let (wanted, rest) = missing.split_once('/').unwrap_or((missing, ""));
        let names = names.iter().copied();
        let meant = match suggest::nearest(wanted, names.clone()) {
            Some(name) => {
                let meant = nearest_below(bucket, format!("{above}{name}"), rest).await;
                format!(": did you mean s3://{bucket_name}/{meant}?")
            }
            None => ";".to_owned(),
        };
        let listed = suggest::listed(wanted, names);
        return Some(format!("{meant} s3://{bucket_name}/{above} has {listed}"));
    }
    None
}

/// The key below `prefix` that equals or is most similar to `rest`; the prefix itself if there is none.
async fn nearest_below(bucket: &Bucket, prefix: String, rest: &str) -> String {
    if rest.is_empty() || !prefix.ends_with('/') {
        return prefix;
    }
    let entries = bucket.list_at_most(&prefix, MAX_LISTED).await.unwrap_or_default();
    let names: Vec<&str> = below(&prefix, &entries).collect();
    let is_there =
        names.iter().any(|name| *name == rest || name.strip_prefix(rest).is_some_and(|end| end.starts_with('/')));
    match if is_there { Some(rest) } else { suggest::nearest(rest, names) } {
        Some(name) => format!("{prefix}{name}"),
        None => prefix,
    }
}

/// The parts of listed keys after a prefix.
fn below<'a>(prefix: &'a str, entries: &'a [Entry]) -> impl Iterator<Item = &'a str> {
    entries.iter().filter_map(move |entry| entry.key.strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::env;
    use crate::platform::create_model::{ModelDataUrl, ModelForm};
    use crate::storage::S3Access;
    use actix_web::HttpResponse;
    use byoc_fake_container::{FakeContainer, Request, response};

    const OBJECTS: [(&str, &str); 4] = [
        ("models/a.joblib", "pickle"),
        ("models/b/columns.json", "{}"),
        ("models/b/deep/x", "x"),
        ("models/b/m.pkl", "b"),
    ];

    /// S3's responses to GetObject and ListObjectsV2.
    fn answer(seen: &Request) -> HttpResponse {
        let objects: BTreeMap<&str, &str> = OBJECTS.into();
        if seen.query.contains("list-type=2") {
            let prefix = seen.query.split('&').find_map(|part| part.strip_prefix("prefix="));
            let prefix = prefix.unwrap_or_default().replace("%2F", "/");
            let found = objects.iter().filter(|(key, _)| key.starts_with(&prefix));
            let entries: String = found
                .map(|(key, body)| {
                    format!(
                        "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-23T06:00:00Z</LastModified>\
                         <ETag>\"1\"</ETag></Contents>",
                        body.len()
                    )
                })
                .collect();
            return response(200)
                .content_type("application/xml")
                .body(format!("<?xml version=\"1.0\"?><ListBucketResult>{entries}</ListBucketResult>"));
        }
        match seen.path.strip_prefix("/bucket/").and_then(|key| objects.get(key)) {
            Some(body) => response(200)
                .insert_header(("ETag", "\"1\""))
                .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
                .body(*body),
            None => response(404).content_type("application/xml").body("<Error><Code>NoSuchKey</Code></Error>"),
        }
    }

    fn storage(server: &FakeContainer) -> Storage {
        let variables = [
            (env::AWS_ACCESS_KEY_ID, "id"),
            (env::AWS_SECRET_ACCESS_KEY, "secret"),
            (env::AWS_ENDPOINT_URL_S3, server.origin.as_str().trim_end_matches('/')),
        ];
        Storage::new(S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()))
    }

    #[actix_web::test]
    async fn an_object_becomes_a_file_and_a_prefix_a_folder_of_the_same_name() {
        let server = FakeContainer::start(|seen| async move { answer(&seen) });
        let storage = storage(&server);
        let at = |url: &str| Location::parse(url, Path::new("/")).unwrap();
        for (url, files) in [
            ("s3://bucket/models/a.joblib", &[("", "pickle")][..]),
            ("s3://bucket/models/b", &[("columns.json", "{}"), ("deep/x", "x"), ("m.pkl", "b")]),
            ("s3://bucket/models/b/", &[("columns.json", "{}"), ("m.pkl", "b")]),
        ] {
            let temporary = tempfile::tempdir().unwrap();
            let path = copy_to_local(&at(url), &storage, temporary.path()).await.unwrap();
            assert_eq!(path.file_name(), Some(url.trim_end_matches('/').rsplit('/').next().unwrap().as_ref()));
            for (name, text) in files {
                let file = if name.is_empty() { path.clone() } else { path.join(name) };
                assert_eq!(std::fs::read_to_string(file).unwrap(), *text, "{url} {name}");
            }
        }
        let local = copy_to_local(&at("/x/y"), &storage, Path::new("/none")).await;
        assert_eq!(local, Ok("/x/y".into()));
    }

    #[actix_web::test]
    async fn an_error_about_a_missing_object_suggests_one_nearby() {
        let server = FakeContainer::start(|seen| async move { answer(&seen) });
        let temporary = tempfile::tempdir().unwrap();
        let location = Location::parse("s3://bucket/models/a.jobib", Path::new("/")).unwrap();
        let storage_of = storage(&server);
        let error = copy_to_local(&location, &storage_of, temporary.path()).await.unwrap_err();
        let expected =
            "there is no such object: did you mean s3://bucket/models/a.joblib? s3://bucket/models/ has a.joblib, b/";
        assert_eq!(error.to_string(), expected);
        for form in [ModelForm::Archive, ModelForm::File, ModelForm::Files] {
            let data =
                ModelDataUrl { as_written: "s3://bucket/models/a.jobib".into(), location: location.clone(), form };
            let error = super::super::fetch(&data, &storage_of, &temporary.path().join("model")).await.unwrap_err();
            assert_eq!(error.to_string(), expected, "{form:?}");
        }
        for (key, meant, listed) in [
            ("model/a.joblib", "models/a.joblib", "models/"),
            ("model/a.jobib", "models/a.joblib", "models/"),
            ("model/b", "models/b", "models/"),
            ("modles/b/m.pkl", "models/b/m.pkl", "models/"),
            ("model/nothing/of/it", "models/", "models/"),
        ] {
            let location = Location::parse(&format!("s3://bucket/{key}"), Path::new("/")).unwrap();
            let error = copy_to_local(&location, &storage(&server), temporary.path()).await.unwrap_err();
            let expected =
                format!("there is no such object: did you mean s3://bucket/{meant}? s3://bucket/ has {listed}");
            assert_eq!(error.to_string(), expected, "{key}");
        }
        let no_bucket = "<Error><Code>NoSuchBucket</Code></Error>";
        let server = FakeContainer::answering(404, "application/xml", no_bucket);
        let error = copy_to_local(&location, &storage(&server), temporary.path()).await.unwrap_err();
        assert_eq!(error, FetchError::NotFound(StorageError::NoSuchBucket));
        assert_eq!(error.to_string(), "there is no such bucket");
    }
}

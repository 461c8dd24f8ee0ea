//! A model of a bucket as a file or a folder of this machine, for who reads models by their names there.

use std::path::{Path, PathBuf};

use super::{FetchError, files, opened};
use crate::near;
use crate::storage::{Bucket, Failure, Location, Storage};

/// How many objects that lie beside one that is not there are looked at.
const MOST_BESIDE: usize = 1000;

/// Where a model lies on this machine: where it is said to be, or, of a bucket, below `aside`, as the object of that key or as
/// the folder of what lies under it. An archive stays one.
///
/// # Errors
/// Why it is not there; what is larger than an archive may unpack to is not brought.
pub async fn bring(location: &Location, storage: &Storage, aside: &Path) -> Result<PathBuf, FetchError> {
    let (bucket, key) = match location {
        Location::Local(path) => return Ok(path.clone()),
        Location::S3 { bucket, key } => (opened(storage, bucket)?, key.trim_end_matches('/')),
    };
    let name = key.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("model");
    if !key.is_empty() {
        let into = aside.join("object");
        match files::one(&bucket, key, &into).await {
            Err(FetchError::NotThere(Failure::NotThere)) => {}
            copied => return copied.map(|_| into.join(name)),
        }
    }
    let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
    let place = aside.join("folder").join(name);
    match files::below(&bucket, &prefix, &place).await {
        Err(FetchError::NotThere(Failure::NotThere)) => Err(nothing_at(&bucket, location, key).await),
        copied => copied.map(|_| place),
    }
}

/// That nothing lies at a key, and what lies beside it.
pub(super) async fn nothing_at(bucket: &Bucket, location: &Location, key: &str) -> FetchError {
    let above = key.rfind('/').map_or("", |slash| key.get(..=slash).unwrap_or_default());
    // Who may read an object may not be one who may list.
    let beside = bucket.list_at_most(above, MOST_BESIDE).await.unwrap_or_default();
    let mut names: Vec<&str> = beside
        .iter()
        .filter_map(|entry| entry.key.strip_prefix(above))
        .map(|name| name.split_inclusive('/').next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    if names.is_empty() {
        return FetchError::NotThere(Failure::NotThere);
    }
    let wanted = key.get(above.len()..).unwrap_or_default();
    let Location::S3 { bucket, .. } = location else { return FetchError::NotThere(Failure::NotThere) };
    let names = names.iter().copied();
    let meant = near::nearest(wanted, names.clone()).map(|name| format!(": did you mean s3://{bucket}/{above}{name}?"));
    let (meant, joint) = meant.map_or((String::new(), ";"), |meant| (meant, ""));
    let listed = near::listed(wanted, names);
    FetchError::NotBeside(format!("there is no such object{meant}{joint} s3://{bucket}/{above} has {listed}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::env;
    use crate::fake_container::{FakeContainer, Seen, response};
    use crate::platform::create_model::{ModelDataUrl, ModelForm};
    use crate::storage::S3Access;
    use actix_web::HttpResponse;

    const OBJECTS: [(&str, &str); 4] = [
        ("models/a.joblib", "pickle"),
        ("models/b/columns.json", "{}"),
        ("models/b/deep/x", "x"),
        ("models/b/m.pkl", "b"),
    ];

    /// As S3 answers: GET of an object, and its listing.
    fn answer(seen: &Seen) -> HttpResponse {
        let objects: BTreeMap<&str, &str> = OBJECTS.into();
        if let Some(query) = seen.query.split('&').find_map(|part| part.strip_prefix("prefix=")) {
            let prefix = query.replace("%2F", "/");
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
    async fn an_object_is_a_file_and_a_prefix_a_folder_by_their_own_names() {
        let server = FakeContainer::start(|seen| async move { answer(&seen) });
        let storage = storage(&server);
        let at = |url: &str| Location::parse(url, Path::new("/")).unwrap();
        for (url, files) in [
            ("s3://bucket/models/a.joblib", &[("", "pickle")][..]),
            ("s3://bucket/models/b", &[("columns.json", "{}"), ("deep/x", "x"), ("m.pkl", "b")]),
            ("s3://bucket/models/b/", &[("columns.json", "{}"), ("m.pkl", "b")]),
        ] {
            let aside = tempfile::tempdir().unwrap();
            let path = bring(&at(url), &storage, aside.path()).await.unwrap();
            assert_eq!(path.file_name(), Some(url.trim_end_matches('/').rsplit('/').next().unwrap().as_ref()));
            for (name, text) in files {
                let file = if name.is_empty() { path.clone() } else { path.join(name) };
                assert_eq!(std::fs::read_to_string(file).unwrap(), *text, "{url} {name}");
            }
        }
        let local = bring(&at("/x/y"), &storage, Path::new("/none")).await;
        assert_eq!(local, Ok("/x/y".into()));
    }

    #[actix_web::test]
    async fn where_nothing_lies_what_lies_beside_it_is_said() {
        let server = FakeContainer::start(|seen| async move { answer(&seen) });
        let aside = tempfile::tempdir().unwrap();
        let location = Location::parse("s3://bucket/models/a.jobib", Path::new("/")).unwrap();
        let storage_of = storage(&server);
        let error = bring(&location, &storage_of, aside.path()).await.unwrap_err();
        let expected =
            "there is no such object: did you mean s3://bucket/models/a.joblib? s3://bucket/models/ has a.joblib, b/";
        assert_eq!(error.to_string(), expected);
        for form in [ModelForm::Archive, ModelForm::File, ModelForm::Files] {
            let data =
                ModelDataUrl { as_written: "s3://bucket/models/a.jobib".into(), location: location.clone(), form };
            let error = super::super::fetch(&data, &storage_of, &aside.path().join("model")).await.unwrap_err();
            assert_eq!(error.to_string(), expected, "{form:?}");
        }
        let no_bucket = "<Error><Code>NoSuchBucket</Code></Error>";
        let server = FakeContainer::answering(404, "application/xml", no_bucket);
        let error = bring(&location, &storage(&server), aside.path()).await.unwrap_err();
        assert_eq!(error, FetchError::NotThere(Failure::NoBucket));
        assert_eq!(error.to_string(), "there is no such bucket");
    }
}

//! Artifacts in S3: the keys under a prefix.

use std::path::Path;
use std::sync::Arc;

use crate::endpoint::container_side::target_model::TargetModel;
use crate::platform::fetch::disk::DiskReservation;
use crate::platform::fetch::{FetchError, Fetched, download};
use crate::storage::{Bucket, StorageError, Version};

/// A prefix of a bucket.
#[derive(Debug)]
pub(super) struct Prefix {
    bucket: Arc<Bucket>,
    /// The prefix without a slash at its end.
    key: String,
}

impl Prefix {
    pub(super) fn new(bucket: Arc<Bucket>, key: &str) -> Prefix {
        Prefix { bucket, key: key.trim_end_matches('/').to_owned() }
    }

    /// The key of a TargetModel.
    pub(super) fn below(&self, target_model: &TargetModel) -> String {
        match self.key.as_str() {
            "" => target_model.as_str().to_owned(),
            prefix => format!("{prefix}/{}", target_model.as_str()),
        }
    }

    /// The version of the object of this key.
    pub(super) async fn version(&self, key: &str) -> Result<Version, StorageError> {
        self.bucket.head(key).await.map(|(entry, _)| Version::of_object(&entry))
    }

    /// Downloads an archive next to the destination folder, then unpacks it.
    pub(super) async fn fetch(
        &self,
        key: &str,
        into: &Path,
        reservation: Option<DiskReservation>,
    ) -> Result<Fetched, FetchError> {
        download(&self.bucket, key, into, reservation).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;
    use crate::storage::{S3Access, Storage};
    use byoc_fake_container::{FakeContainer, response, write_archive};

    fn prefix(server: &FakeContainer, key: &str) -> Prefix {
        let variables = [
            (env::AWS_ACCESS_KEY_ID, "id"),
            (env::AWS_SECRET_ACCESS_KEY, "secret"),
            (env::AWS_ENDPOINT_URL_S3, server.origin.as_str().trim_end_matches('/')),
        ];
        let access = S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        Prefix::new(Storage::new(access).bucket("bucket").unwrap(), key)
    }

    #[actix_web::test]
    async fn an_archive_is_downloaded_and_unpacked_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.gz");
        write_archive(&archive, "weights");
        let archive = std::fs::read(archive).unwrap();
        let server = FakeContainer::start(move |_| {
            let object = response(200)
                .insert_header(("ETag", "\"1\""))
                .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
                .body(archive.clone());
            async { object }
        });
        let state = tempfile::tempdir().unwrap();
        let into = state.path().join("id/model");
        let prefix = prefix(&server, "models/");
        let key = prefix.below(&TargetModel::parse("NewYork NY/a%b.tar.gz").unwrap());
        let fetched = prefix.fetch(&key, &into, None).await.unwrap();
        assert_eq!((fetched.bytes, prefix.version(&key).await), (7, Ok(fetched.version)));
        assert_eq!(std::fs::read_to_string(into.join("model_algo-1")).unwrap(), "weights");
        assert!(server.seen()[0].is("GET", "/bucket/models/NewYork%20NY/a%25b.tar.gz"), "{:?}", server.seen());
        let left: Vec<_> = std::fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["id"], "no download is left behind");
    }

    #[actix_web::test]
    async fn missing_and_forbidden_objects_are_reported_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        for status in [403, 404] {
            let server = FakeContainer::answering(status, "application/xml", "<Error/>");
            let into = folder.path().join("id/model");
            let fetched = prefix(&server, "").fetch("a", &into, None).await;
            assert!(matches!(fetched, Err(FetchError::NotFound(_))), "{fetched:?}");
            assert!(!into.exists());
        }
    }
}

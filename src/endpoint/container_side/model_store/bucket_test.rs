//! Against a server that answers as S3 does; the real protocol is tested in `tests/interop/test_store.py`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpResponse;

use super::*;
use crate::endpoint::container_side::fake_container::{FakeContainer, response, write_archive};

fn access(endpoint: &str) -> S3Access {
    let variables = [
        (env::AWS_ACCESS_KEY_ID, "id"),
        (env::AWS_SECRET_ACCESS_KEY, "secret"),
        (env::AWS_ENDPOINT_URL, "http://127.0.0.1:1"),
        (env::AWS_ENDPOINT_URL_S3, endpoint.trim_end_matches('/')),
    ];
    S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.tar.gz");
    write_archive(&file, "weights");
    std::fs::read(file).unwrap()
}

fn with_object(body: Vec<u8>) -> HttpResponse {
    response(200)
        .insert_header(("ETag", "\"1\""))
        .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
        .body(body)
}

fn target_model() -> TargetModel {
    TargetModel::parse("NewYork NY/a%b.tar.gz").unwrap()
}

async fn fetch(server: &FakeContainer, into: &Path) -> Result<u64, FetchError> {
    let bucket = Bucket::open("bucket", "models/", &access(server.origin.as_str())).unwrap();
    bucket.fetch(&bucket.below(&target_model()).unwrap(), into, None).await
}

#[actix_web::test]
async fn an_object_is_asked_for_under_its_key_signed_and_unpacked() {
    let server = FakeContainer::start(|_| async { with_object(archive()) });
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("id/model");
    assert_eq!(fetch(&server, &into).await, Ok(7));
    assert_eq!(std::fs::read_to_string(into.join("model_algo-1")).unwrap(), "weights");
    let seen = &server.seen()[0];
    assert!(seen.is("GET", "/bucket/models/NewYork%20NY/a%25b.tar.gz"), "{seen:?}");
    assert!(seen.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["id"], "no download is left behind");
}

#[actix_web::test]
async fn what_is_not_there_or_not_ours_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for status in [403, 404] {
        let server = FakeContainer::answering(status, "application/xml", "<Error/>");
        assert_eq!(fetch(&server, &folder.path().join("id/model")).await, Err(FetchError::NotThere));
        assert_eq!(server.seen().len(), 1);
    }
}

#[actix_web::test]
async fn an_overloaded_store_is_asked_again_and_one_that_stays_so_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let server = FakeContainer::start(move |_| {
        let again = asked.fetch_add(1, Ordering::SeqCst) > 1;
        async move { if again { with_object(archive()) } else { response(503).finish() } }
    });
    assert_eq!(fetch(&server, &folder.path().join("id/model")).await, Ok(7));
    assert_eq!(server.seen().len(), 3);

    let server = FakeContainer::answering(503, "application/xml", "<Error/>");
    let into = folder.path().join("other/model");
    assert!(matches!(fetch(&server, &into).await, Err(FetchError::Unavailable(_))));
    assert_eq!(server.seen().len(), 1 + RETRIES);
    assert!(!into.exists());
}

#[test]
fn without_credentials_there_is_a_message_and_no_waiting() {
    let error = Bucket::open("bucket", "models", &S3Access::default()).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert!(error.message().contains("no AWS credentials"), "{error}");
}

#[test]
fn amazons_own_store_is_reached_over_tls_with_the_roots_that_are_compiled_in() {
    let mut access = access("");
    access.0.remove(env::AWS_ENDPOINT_URL);
    access.0.remove(env::AWS_ENDPOINT_URL_S3);
    Bucket::open("bucket", "", &access).unwrap();
    access.0.insert(env::AWS_CA_BUNDLE.to_owned(), "/none/ca.pem".to_owned());
    assert!(Bucket::open("bucket", "", &access).unwrap_err().message().contains("/none/ca.pem"));
}

//! Against a server that answers as S3 does; the real protocol is tested in `tests/interop/test_store.py`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpResponse;

use super::*;
use crate::fake_container::{FakeContainer, response};

fn access(endpoint: &str) -> S3Access {
    let variables = [
        (env::AWS_ACCESS_KEY_ID, "id"),
        (env::AWS_SECRET_ACCESS_KEY, "secret"),
        (env::AWS_ENDPOINT_URL, "http://127.0.0.1:1"),
        (env::AWS_ENDPOINT_URL_S3, endpoint.trim_end_matches('/')),
    ];
    S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

fn with_object(body: &'static str) -> HttpResponse {
    response(200)
        .insert_header(("ETag", "\"1\""))
        .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
        .body(body)
}

fn bucket(server: &FakeContainer) -> Bucket {
    Bucket::open("bucket", &access(server.origin.as_str())).unwrap()
}

#[actix_web::test]
async fn an_object_is_asked_for_under_its_key_and_signed() {
    let server = FakeContainer::start(|_| async { with_object("weights") });
    let bucket = bucket(&server);
    assert_eq!(bucket.read("models/NewYork NY/a%b.tar.gz", 7).await.unwrap(), "weights");
    let seen = &server.seen()[0];
    assert!(seen.is("GET", "/bucket/models/NewYork%20NY/a%25b.tar.gz"), "{seen:?}");
    assert!(seen.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
    assert_eq!(bucket.read("a", 6).await, Err(Failure::TooLarge { bytes: 7, limit: 6 }));
    let mut copy = Vec::new();
    bucket.download("a", &mut copy).await.unwrap();
    assert_eq!(copy, b"weights");
}

#[actix_web::test]
async fn an_object_is_written_under_its_key_and_signed() {
    let server = FakeContainer::start(|_| async { response(200).insert_header(("ETag", "\"1\"")).finish() });
    bucket(&server).write("out/a.out", Bytes::from("answer")).await.unwrap();
    let seen = &server.seen()[0];
    assert!(seen.is("PUT", "/bucket/out/a.out"), "{seen:?}");
    assert_eq!(seen.body, "answer");
    assert!(seen.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
}

#[actix_web::test]
async fn what_is_not_there_or_not_ours_is_asked_for_once() {
    let server = FakeContainer::answering(404, "application/xml", "<Error/>");
    assert_eq!(bucket(&server).read("a", 1).await, Err(Failure::NotThere));
    assert_eq!(server.seen().len(), 1);
    let server = FakeContainer::answering(403, "application/xml", "<Error/>");
    assert!(matches!(bucket(&server).read("a", 1).await, Err(Failure::Denied(_))));
    assert!(matches!(bucket(&server).write("a", Bytes::new()).await, Err(Failure::Denied(_))));
    assert_eq!(server.seen().len(), 2);
    for no_key in ["a//b", "a/../b"] {
        assert_eq!(bucket(&server).read(no_key, 1).await, Err(Failure::NotThere), "{no_key}");
    }
}

#[actix_web::test]
async fn an_overloaded_store_is_asked_again_and_one_that_stays_so_is_unavailable() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = FakeContainer::start(move |_| {
        let again = asked.fetch_add(1, Ordering::SeqCst) > 1;
        async move { if again { with_object("weights") } else { response(503).finish() } }
    });
    assert_eq!(bucket(&server).read("a", 7).await.unwrap(), "weights");
    assert_eq!(server.seen().len(), 3);

    let server = FakeContainer::answering(503, "application/xml", "<Error/>");
    assert!(matches!(bucket(&server).read("a", 7).await, Err(Failure::Unavailable(_))));
    assert_eq!(server.seen().len(), 1 + RETRIES);
}

#[test]
fn without_credentials_there_is_a_message_and_no_waiting() {
    let error = Bucket::open("bucket", &S3Access::default()).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert!(error.message().contains("no AWS credentials"), "{error}");
}

#[test]
fn amazons_own_store_is_reached_over_tls_with_the_roots_that_are_compiled_in() {
    let mut access = access("");
    access.0.remove(env::AWS_ENDPOINT_URL);
    access.0.remove(env::AWS_ENDPOINT_URL_S3);
    Bucket::open("bucket", &access).unwrap();
    access.0.insert(env::AWS_CA_BUNDLE.to_owned(), "/none/ca.pem".to_owned());
    assert!(Bucket::open("bucket", &access).unwrap_err().message().contains("/none/ca.pem"));
}

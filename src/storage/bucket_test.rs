//! Tests against a fake S3 server; `tests/interop/test_store.py` tests the actual protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpResponse;

use super::*;
use byoc_fake_container::{FakeContainer, response};
use byoc_formats::error::chain;

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
async fn an_object_is_read_by_its_key_with_a_signed_request() {
    let server = FakeContainer::start(|_| async { with_object("weights") });
    let bucket = bucket(&server);
    assert_eq!(
        bucket.read("models/NewYork NY/a%b.tar.gz", 7, &MemoryShare::unbounded()).await.unwrap().content,
        "weights"
    );
    let seen = &server.seen()[0];
    assert!(seen.is("GET", "/bucket/models/NewYork%20NY/a%25b.tar.gz"), "{seen:?}");
    assert!(seen.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
    assert_eq!(
        bucket.read("a", 6, &MemoryShare::unbounded()).await,
        Err(StorageError::TooLarge { bytes: 7, limit: 6 })
    );
    let mut copy = Vec::new();
    bucket.download("a", &mut copy, |_| Ok(())).await.unwrap();
    assert_eq!(copy, b"weights");
}

#[actix_web::test]
async fn an_object_is_written_by_its_key_with_a_signed_request() {
    let server = FakeContainer::start(|_| async { response(200).insert_header(("ETag", "\"1\"")).finish() });
    bucket(&server).write("out/a.out", Bytes::from("answer")).await.unwrap();
    let seen = &server.seen()[0];
    assert!(seen.is("PUT", "/bucket/out/a.out"), "{seen:?}");
    assert_eq!(seen.body, "answer");
    assert!(seen.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=id/"));
}

#[actix_web::test]
async fn missing_and_forbidden_objects_are_not_retried() {
    let server = FakeContainer::answering(404, "application/xml", "<Error/>");
    assert_eq!(bucket(&server).read("a", 1, &MemoryShare::unbounded()).await, Err(StorageError::NotFound));
    assert_eq!(server.seen().len(), 1);
    let server = FakeContainer::answering(403, "application/xml", "<Error/>");
    assert!(matches!(
        bucket(&server).read("a", 1, &MemoryShare::unbounded()).await,
        Err(StorageError::AccessDenied(_))
    ));
    assert!(matches!(bucket(&server).write("a", Bytes::new()).await, Err(StorageError::AccessDenied(_))));
    assert_eq!(server.seen().len(), 2);
    for no_key in ["a//b", "a/../b"] {
        assert_eq!(
            bucket(&server).read(no_key, 1, &MemoryShare::unbounded()).await,
            Err(StorageError::InvalidKey(no_key.to_owned())),
            "{no_key}"
        );
    }
}

#[actix_web::test]
async fn an_overloaded_store_is_retried_and_then_unavailable() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = FakeContainer::start(move |_| {
        let again = asked.fetch_add(1, Ordering::SeqCst) > 1;
        async move { if again { with_object("weights") } else { response(503).finish() } }
    });
    assert_eq!(bucket(&server).read("a", 7, &MemoryShare::unbounded()).await.unwrap().content, "weights");
    assert_eq!(server.seen().len(), 3);

    let server = FakeContainer::answering(503, "application/xml", "<Error/>");
    assert!(matches!(bucket(&server).read("a", 7, &MemoryShare::unbounded()).await, Err(StorageError::Unavailable(_))));
    assert_eq!(server.seen().len(), 1 + RETRIES);
}

#[test]
fn missing_credentials_are_reported_at_once() {
    let error = Bucket::open("bucket", &S3Access::default()).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert!(error.message().contains("no AWS credentials"), "{error}");
}

#[test]
fn s3_is_opened_with_the_built_in_roots_and_invalid_bundles_are_reported() {
    let mut access = access("");
    access.0.remove(env::AWS_ENDPOINT_URL);
    access.0.remove(env::AWS_ENDPOINT_URL_S3);
    Bucket::open("bucket", &access).unwrap();
    for (file, expected) in [("/none/ca.pem", "/none/ca.pem"), ("/dev/null", "/dev/null: expected certificates in PEM")]
    {
        access.0.insert(env::AWS_CA_BUNDLE.to_owned(), file.to_owned());
        let error = chain(&Bucket::open("bucket", &access).unwrap_err()).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_images_certificates_are_mozillas() {
    use base64::Engine as _;

    let mut expected = String::new();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        expected.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = base64::engine::general_purpose::STANDARD.encode(root);
        for line in text.as_bytes().chunks(64) {
            expected.push_str(std::str::from_utf8(line).unwrap());
            expected.push('\n');
        }
        expected.push_str("-----END CERTIFICATE-----\n");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("container/etc/ca-certificates.crt");
    if std::fs::read_to_string(&file).unwrap_or_default() != expected {
        let right = root.join("target/ca-certificates.crt");
        std::fs::write(&right, expected).unwrap();
        panic!("{} is not the list of webpki-root-certs; copy {} there", file.display(), right.display());
    }
}

fn listing(keys: &[&str], token: Option<&str>) -> String {
    let token =
        token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>")).unwrap_or_default();
    let entries: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><Size>2</Size><LastModified>2026-11-23T06:00:00Z</LastModified>\
                 <ETag>\"1\"</ETag></Contents>"
            )
        })
        .collect();
    format!("<?xml version=\"1.0\"?><ListBucketResult>{token}{entries}</ListBucketResult>")
}

#[actix_web::test]
async fn a_listing_requests_every_page_of_its_prefix() {
    let server = FakeContainer::start(|seen| async move {
        let page = match seen.query.contains("continuation-token=next") {
            false => listing(&["in/", "in/b.csv"], Some("next")),
            true => listing(&["in/a.csv"], None),
        };
        response(200).content_type("application/xml").body(page)
    });
    let keys: Vec<String> = bucket(&server).list("in/").await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["in/a.csv", "in/b.csv"]);
    assert!(server.seen().iter().all(|seen| seen.query.contains("prefix=in%2F")), "{:?}", server.seen());
}

#[actix_web::test]
async fn invalid_keys_and_missing_buckets_are_reported() {
    for key in ["in//dbl.csv", "in/./dot.csv", "in/../up.csv", "in/a\tb.csv"] {
        let server = FakeContainer::start(move |_| async move {
            response(200).content_type("application/xml").body(listing(&["in/a.csv", key], None))
        });
        let failure = bucket(&server).list("in/").await.unwrap_err();
        assert_eq!(failure, StorageError::InvalidKey(key.to_owned()));
        assert!(failure.to_string().contains(&format!("{key:?} cannot be read here")), "{failure}");
    }
    let body = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>x</Message></Error>";
    let server = FakeContainer::answering(404, "application/xml", body);
    let failure = bucket(&server).list("in/").await.unwrap_err();
    assert_eq!((&failure, failure.to_string().as_str()), (&StorageError::NoSuchBucket, "no such bucket"));
    assert_eq!(bucket(&server).read("a", 1, &MemoryShare::unbounded()).await, Err(StorageError::NoSuchBucket));
    assert_eq!(bucket(&server).write("a", Bytes::new()).await, Err(StorageError::NoSuchBucket));
}

#[actix_web::test]
async fn credentials_are_not_sent_to_another_host_after_a_redirect() {
    let other = FakeContainer::start(|_| async { with_object("another's") });
    let elsewhere = other.origin.join("bucket/a?X-Amz-Signature=secret").unwrap();
    let server = FakeContainer::start(move |seen| {
        let to = if seen.path == "/bucket/near" { "/bucket/here".to_owned() } else { elsewhere.to_string() };
        async move {
            if seen.path == "/bucket/here" {
                return with_object("weights");
            }
            response(307).insert_header(("Location", to)).finish()
        }
    });
    let mut access = access(server.origin.as_str());
    access.0.insert(env::AWS_SESSION_TOKEN.to_owned(), "token".to_owned());
    let bucket = Bucket::open("bucket", &access).unwrap();
    let Err(StorageError::Unavailable(reason)) = bucket.read("a", 100, &MemoryShare::unbounded()).await else {
        panic!("it was followed")
    };
    let message = reason.to_string();
    for part in ["redirects to", other.origin.as_str(), "AWS_REGION"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("secret") && !message.contains("token"), "{message}");
    assert_eq!((server.seen().len(), other.seen().len()), (1, 0), "it is neither retried nor followed");
    assert_eq!(bucket.read("near", 100, &MemoryShare::unbounded()).await.unwrap().content, "weights");
}

#[actix_web::test]
async fn a_redirect_without_a_location_means_another_region_and_is_not_retried() {
    let server = FakeContainer::answering(301, "application/xml", "<Error><Code>PermanentRedirect</Code></Error>");
    let Err(StorageError::Unavailable(reason)) = bucket(&server).read("a", 1, &MemoryShare::unbounded()).await else {
        panic!("it was read")
    };
    let message = reason.to_string();
    assert!(message.starts_with("the bucket is in another region than AWS_REGION says"), "{message}");
    assert_eq!(server.seen().len(), 1);
}

#[actix_web::test]
async fn an_oversized_download_is_rejected_before_it_is_written() {
    let server = FakeContainer::start(|_| async { with_object("weights") });
    let bucket = bucket(&server);
    let mut copy = Vec::new();
    let refused = bucket.download("a", &mut copy, |bytes| Err(StorageError::TooLarge { bytes, limit: 6 })).await;
    assert_eq!((refused, copy.len()), (Err(StorageError::TooLarge { bytes: 7, limit: 6 }), 0));
    assert_eq!(bucket.download("a", &mut copy, |_| Ok(())).await.map(|entry| entry.bytes), Ok(7));
}

/// A store that announces an object of seven bytes and sends an endless one, in chunks, which override the length.
fn endless_store() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut asked = [0; 4096];
            let _ = connection.read(&mut asked);
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\nETag: \"1\"\r\n\
                        Last-Modified: Mon, 23 Nov 2026 06:00:00 GMT\r\n\r\n";
            let _ = connection.write_all(head.as_bytes());
            let chunk = [b"10000\r\n".as_slice(), &[0; 0x10000], b"\r\n"].concat();
            while connection.write_all(&chunk).is_ok() {}
        }
    });
    origin
}

#[actix_web::test]
async fn an_object_longer_than_announced_is_not_read_to_its_end() {
    let bucket = Bucket::open("bucket", &access(&endless_store())).unwrap();
    let mut copy = Vec::new();
    let limit = 1 << 20;
    let downloaded = bucket.download("a", &mut copy, |_| Ok(())).await;
    assert!(matches!(downloaded, Err(StorageError::Unavailable(_))), "{downloaded:?}");
    assert!(copy.len() <= 7, "{}", copy.len());
    let mut pieces = bucket.stream("a").await.unwrap();
    assert!(matches!(pieces.next().await, Some(Err(StorageError::Unavailable(_)))));
    drop(pieces);
    let read = bucket.read("a", limit, &MemoryShare::unbounded()).await;
    assert!(matches!(read, Err(StorageError::Unavailable(_))), "{read:?}");
}

#[actix_web::test]
async fn an_object_has_the_content_type_that_it_was_stored_with() {
    for (stored, expected) in [
        (Some("text/csv; charset=utf-8"), Some("text/csv; charset=utf-8")),
        (Some("application/json"), Some("application/json")),
        // S3's default for an object that was stored without one.
        (Some("binary/octet-stream"), None),
        (None, None),
    ] {
        let server = FakeContainer::start(move |_| async move {
            let mut object = response(200);
            object.insert_header(("ETag", "\"1\"")).insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"));
            if let Some(stored) = stored {
                object.insert_header(("Content-Type", stored));
            }
            object.body("1,2")
        });
        let object = bucket(&server).read("a", 3, &MemoryShare::unbounded()).await.unwrap();
        assert_eq!((object.content.as_ref(), object.content_type.as_deref()), (b"1,2".as_slice(), expected));
    }
}

/// The URL of a port on which nothing listens.
fn refusing_endpoint() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}")
}

/// The error message of a bucket at this endpoint.
async fn error_message(endpoint: &str) -> String {
    let bucket = Bucket::open("bucket", &access(endpoint)).unwrap();
    let read = bucket.read("a", 1, &MemoryShare::unbounded()).await.unwrap_err().to_string();
    let listed = bucket.list("a").await.unwrap_err().to_string();
    assert_eq!(read, listed);
    assert!(!read.contains("Generic") && !read.contains("retries"), "{read}");
    read
}

#[actix_web::test]
async fn the_server_of_a_failed_connection_is_named() {
    let endpoint = refusing_endpoint();
    let refused = error_message(&endpoint).await;
    assert!(refused.starts_with(&format!("{endpoint} refused the connection")), "{refused}");
    let no_name = error_message("http://no-such-host.invalid").await;
    assert!(no_name.contains("the name no-such-host.invalid was not found"), "{no_name}");
    // A server that speaks HTTP without TLS.
    let server = FakeContainer::answering(200, "text/plain", "");
    let plain = error_message(&server.origin.as_str().replace("http://", "https://")).await;
    assert!(
        plain.starts_with("the TLS handshake with https://127.0.0.1:") && plain.contains("AWS_CA_BUNDLE"),
        "{plain}"
    );
}

#[actix_web::test]
async fn errors_of_s3_are_reported_with_their_code() {
    for (status, code, message, is_denied) in [
        (403, "AccessDenied", "S3 says AccessDenied: not you", true),
        (403, "SignatureDoesNotMatch", "S3 says SignatureDoesNotMatch: not you", true),
        (400, "ExpiredToken", "; get new credentials", true),
        (400, "AuthorizationHeaderMalformed", "; set AWS_REGION to the bucket's region", true),
        (409, "OperationAborted", "S3 says OperationAborted: not you", false),
    ] {
        let body = format!("<Error><Code>{code}</Code><Message>not you</Message></Error>");
        let server = FakeContainer::start(move |_| {
            let answer = response(status).content_type("application/xml").body(body.clone());
            async { answer }
        });
        let failure = bucket(&server).read("a", 1, &MemoryShare::unbounded()).await.unwrap_err();
        let text = chain(&failure).to_string();
        assert!(text.contains(message), "{text}");
        assert_eq!(matches!(failure, StorageError::AccessDenied(_)), is_denied, "{failure:?}");
    }
    let server = FakeContainer::answering(403, "text/html", "<html>a proxy</html>");
    let failure = bucket(&server).read("a", 1, &MemoryShare::unbounded()).await.unwrap_err();
    assert_eq!(chain(&failure).to_string(), "access is denied: S3 says 403 Forbidden");
}

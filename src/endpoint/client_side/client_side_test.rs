use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, HttpResponse};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::endpoint::config::ModelDataUrl;
use crate::endpoint::container_side::fake_container::{FakeContainer, write_archive};
use crate::endpoint::container_side::{self, Container, Health, ModelCache, ModelFolder, ModelStore, Pipeline};
use crate::endpoint::identity::Identity;

fn creating() -> Data<Services> {
    let identity = Identity { endpoint: "housing".into(), region: "us-east-1".into(), account: "123456789012".into() };
    Data::new(Services::creating(identity))
}

fn in_service(containers: Vec<Container>) -> Data<Services> {
    let services = creating();
    services.in_service(Pipeline::new(containers).unwrap());
    services
}

fn single(container: &FakeContainer) -> Data<Services> {
    in_service(vec![Container::single_model("primary", container.origin.clone(), Health::default())])
}

/// An endpoint with a multi-model container, and the folder that must live as long.
fn multi(container: &FakeContainer) -> (Data<Services>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write_archive(&folder.path().join("prefix/a.tar.gz"), "weights");
    let store = ModelStore::new(ModelDataUrl { as_written: "./prefix".into(), path: folder.path().join("prefix") });
    let models = ModelCache::new("primary", container.origin.clone(), store, ModelFolder::of(folder.path()).unwrap());
    (in_service(vec![Container::multi_model("primary", models, Health::default())]), folder)
}

/// Sends a request to an endpoint.
async fn send(services: &Data<Services>, request: TestRequest) -> HttpResponse {
    let client = container_side::client().unwrap();
    let app = App::new().app_data(Data::new(client)).configure(configure(services.clone()));
    let response = call_service(&init_service(app).await, request.to_request()).await;
    response.into_parts().1.map_into_boxed_body()
}

fn invoke() -> TestRequest {
    TestRequest::post().uri("/endpoints/housing/invocations").set_payload("1,2")
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Status, exception, ErrorCode and Message of an error.
async fn error(response: HttpResponse) -> (u16, String, String, String) {
    assert_eq!(header(&response, "x-amzn-requestid").len(), 36);
    let (status, kind) = (response.status().as_u16(), header(&response, "x-amzn-errortype").to_owned());
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    (status, kind, text("ErrorCode"), text("Message"))
}

#[actix_web::test]
async fn an_invocation_passes_what_the_api_models_and_nothing_else() {
    let container = FakeContainer::start(|_| async {
        HttpResponse::Ok()
            .content_type("application/json")
            .insert_header(("X-Amzn-SageMaker-Custom-Attributes", "answered"))
            .insert_header(("X-Amzn-SageMaker-Session-Id", "s1; Expires=2030-01-01T00:00:00Z"))
            .insert_header(("X-Amzn-SageMaker-Closed-Session-Id", "s0"))
            .insert_header(("X-Secret", "1"))
            .body("{}")
    });
    let request = invoke()
        .insert_header(("Content-Type", "text/csv"))
        .insert_header(("Accept", "application/json"))
        .insert_header(("X-Amzn-SageMaker-Custom-Attributes", "asked"))
        .insert_header(("X-Amzn-SageMaker-Inference-Id", "i"))
        .insert_header(("X-Amzn-SageMaker-Session-Id", "NEW_SESSION"))
        .insert_header(("X-Amzn-SageMaker-Target-Variant", "AllTraffic"))
        .insert_header(("Authorization", "AWS4-HMAC-SHA256 Credential=x"))
        .insert_header(("X-Mine", "1"));
    let response = send(&single(&container), request).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-amzn-invoked-production-variant", "AllTraffic"),
        ("x-amzn-sagemaker-custom-attributes", "answered"),
        ("x-amzn-sagemaker-new-session-id", "s1; Expires=2030-01-01T00:00:00Z"),
        ("x-amzn-sagemaker-closed-session-id", "s0"),
        ("x-secret", ""),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    assert_eq!(header(&response, "x-amzn-requestid").len(), 36);
    assert_eq!(to_bytes(response.into_body()).await.unwrap(), "{}");

    let seen = &container.seen()[0];
    for (name, value) in [
        ("content-type", "text/csv"),
        ("accept", "application/json"),
        ("x-amzn-sagemaker-custom-attributes", "asked"),
        ("x-amzn-sagemaker-inference-id", "i"),
        ("x-amzn-sagemaker-session-id", "NEW_SESSION"),
        ("x-amzn-sagemaker-target-variant", ""),
        ("authorization", ""),
        ("x-mine", ""),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    assert_eq!(seen.body, "1,2");
}

#[actix_web::test]
async fn an_unknown_endpoint_is_named() {
    let request = TestRequest::post().uri("/endpoints/nope/invocations").set_payload("1");
    let expected = (400, "ValidationError", "NO_SUCH_ENDPOINT", "Endpoint nope of account 123456789012 not found.");
    let (status, kind, code, message) = error(send(&creating(), request).await).await;
    assert_eq!((status, &*kind, &*code, &*message), expected);
}

#[actix_web::test]
async fn target_headers_that_do_not_fit_the_endpoint_are_refused() {
    let container = FakeContainer::answering(200, "text/csv", "1");
    let services = single(&container);
    let (multi, _folder) = multi(&container);
    let cases = [
        (&services, "X-Amzn-SageMaker-Target-Model", "a.tar.gz", "is not a multi-model endpoint"),
        (&services, "X-Amzn-SageMaker-Target-Model", "../x", "is not a multi-model endpoint"),
        (&services, "X-Amzn-SageMaker-Target-Variant", "blue", "There is no variant blue"),
        (&services, "X-Amzn-SageMaker-Target-Container-Hostname", "c", "run in Serial mode"),
        (&services, "X-Amzn-SageMaker-Inference-Component", "ic", "There is no inference component ic"),
        (&multi, "X-Ignored", "", "is missing a target model header."),
        (&multi, "X-Amzn-SageMaker-Target-Model", "../prefix/a.tar.gz", "must be a path below ModelDataUrl"),
        (&multi, "X-Amzn-SageMaker-Target-Model", "/etc/passwd", "must be a path below ModelDataUrl"),
        (&multi, "X-Amzn-SageMaker-Target-Model", "b.tar.gz", "from URL: \"./prefix/b.tar.gz\""),
    ];
    for (services, name, value, expected) in cases {
        let (status, kind, _, message) = error(send(services, invoke().insert_header((name, value))).await).await;
        assert_eq!((status, kind.as_str()), (400, "ValidationError"), "{name}: {value}");
        assert!(message.contains(expected), "{name}: {value}: {message}");
    }
    assert!(container.seen().is_empty(), "nothing of this reaches a container");

    let response = send(&multi, invoke().insert_header(("X-Amzn-SageMaker-Target-Model", "a.tar.gz"))).await;
    assert_eq!(response.status(), 200);
    assert_eq!((container.count("POST", "/models"), container.seen().len()), (2, 2));
}

#[actix_web::test]
async fn a_containers_error_is_a_model_error() {
    let container = FakeContainer::answering(400, "text/plain", "row 1, column 2: bad");
    let (status, kind, code, message) = error(send(&single(&container), invoke()).await).await;
    assert_eq!((status, &*kind, &*code), (424, "ModelError", "CLIENT_ERROR_FROM_MODEL"));
    assert!(message.contains("client error (400) from primary with message \"row 1, column 2: bad\""), "{message}");
}

#[actix_web::test]
async fn a_body_of_25_megabytes_is_taken_and_a_larger_one_is_not() {
    let container = FakeContainer::answering(200, "text/csv", "1");
    let services = single(&container);
    let body = |bytes: usize| invoke().set_payload(vec![b'1'; bytes]);
    assert_eq!(send(&services, body(25 << 20)).await.status(), 200);
    let response = send(&services, body((25 << 20) + 1)).await;
    let expected = (413, "", "", "HTTP content length exceeded 26214400 bytes.");
    let (status, kind, code, message) = error(response).await;
    assert_eq!((status, &*kind, &*code, &*message), expected);
    assert_eq!(container.seen().len(), 1);
}

#[actix_web::test]
async fn ping_follows_the_life_of_the_endpoint() {
    let ping = || TestRequest::get().uri("/ping");
    let services = creating();
    let (status, kind, _, message) = error(send(&services, ping()).await).await;
    assert_eq!((status, &*kind, &*message), (503, "ServiceUnavailable", "Endpoint housing is Creating."));
    let (status, kind, _, _) = error(send(&services, invoke()).await).await;
    assert_eq!((status, &*kind), (503, "ServiceUnavailable"));

    let container = FakeContainer::answering(200, "text/csv", "1");
    let health = Health::default();
    services.in_service(
        Pipeline::new(vec![Container::single_model("primary", container.origin.clone(), health.clone())]).unwrap(),
    );
    assert_eq!(send(&services, ping()).await.status(), 200);

    health.ended("the process has ended (exit status: 1)");
    let (status, _, _, message) = error(send(&services, ping()).await).await;
    assert_eq!(status, 503);
    assert!(message.contains("container primary: the process has ended (exit status: 1)"), "{message}");
    let (status, kind, _, message) = error(send(&services, invoke()).await).await;
    assert_eq!((status, &*kind), (424, "ModelError"));
    assert!(message.contains("Container primary does not run any more"), "{message}");
}

#[actix_web::test]
async fn other_paths_and_methods_are_refused_in_the_services_shape() {
    let services = creating();
    for (request, status, kind) in [
        (TestRequest::get().uri("/"), 404, "UnknownOperationException"),
        (TestRequest::post().uri("/endpoints/housing/async-invocations"), 404, "UnknownOperationException"),
        (TestRequest::post().uri("/invocations"), 404, "UnknownOperationException"),
        (TestRequest::get().uri("/endpoints/housing/invocations"), 405, "MethodNotAllowedException"),
        (TestRequest::post().uri("/ping"), 405, "MethodNotAllowedException"),
        (TestRequest::delete().uri("/metrics"), 405, "MethodNotAllowedException"),
    ] {
        let (is_status, is_kind, _, message) = error(send(&services, request).await).await;
        assert_eq!((is_status, is_kind.as_str()), (status, kind), "{message}");
    }
}

#[actix_web::test]
async fn invocations_are_counted_by_endpoint_variant_and_code() {
    crate::telemetry::metrics::start();
    let container = FakeContainer::answering(418, "text/plain", "no coffee");
    send(&single(&container), invoke()).await;
    let response = send(&creating(), TestRequest::get().uri("/metrics")).await;
    assert!(header(&response, "content-type").starts_with("text/plain; version=0.0.4"));
    let page = to_bytes(response.into_body()).await.unwrap();
    let page = std::str::from_utf8(&page).unwrap();
    for part in [
        "byoc_endpoint_invocations_total{endpoint=\"housing\",variant=\"AllTraffic\",code=\"424\"}",
        "byoc_endpoint_model_latency_seconds_count{endpoint=\"housing\",variant=\"AllTraffic\"}",
        "byoc_endpoint_container_latency_seconds_count{container=\"primary\"}",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

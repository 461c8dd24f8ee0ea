use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, HttpResponse};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::endpoint::container_side::{Container, ModelCache, ModelFolder, ModelStore, Pipeline};
use crate::endpoint::identity::Identity;
use crate::endpoint::limits::Limits;
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, write_archive};

fn identity(endpoint: &str) -> Identity {
    Identity { endpoint: endpoint.into(), region: "us-east-1".into(), account: "123456789012".into() }
}

fn creating() -> Data<Services> {
    let endpoint = Endpoint::creating(identity("housing"), None);
    Data::new(Services::new([Arc::new(endpoint)], Limits::default(), None))
}

fn in_service(containers: Vec<Container>) -> Data<Services> {
    let pipeline = Pipeline::new(containers).unwrap();
    with(vec![(Variant::new("housing", "AllTraffic", pipeline), 1.0)], None, Limits::default())
}

fn with(variants: Vec<(Variant, f64)>, shadow: Option<Shadow>, limits: Limits) -> Data<Services> {
    let endpoint = Endpoint::creating(identity("housing"), None);
    endpoint.in_service(Variants::new(variants, shadow));
    Data::new(Services::new([Arc::new(endpoint)], limits, None))
}

/// A variant of one container.
fn variant(name: &str, container: &FakeContainer) -> Variant {
    let container = Container::single_model("primary", container.origin.clone(), Health::default());
    Variant::new("housing", name, Pipeline::new(vec![container]).unwrap())
}

fn single(container: &FakeContainer) -> Data<Services> {
    in_service(vec![Container::single_model("primary", container.origin.clone(), Health::default())])
}

/// An endpoint with a multi-model container, and the folder that must live as long.
fn multi(container: &FakeContainer) -> (Data<Services>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write_archive(&folder.path().join("prefix/a.tar.gz"), "weights");
    let store = ModelStore::folder("./prefix", folder.path().join("prefix"));
    let models = ModelCache::new(
        "primary",
        container.origin.clone(),
        store,
        ModelFolder::open_deleting_leftovers(folder.path()).unwrap(),
    );
    (in_service(vec![Container::multi_model("primary", models, Health::default())]), folder)
}

/// Sends a request to an endpoint.
async fn send(services: &Data<Services>, request: TestRequest) -> HttpResponse {
    let client = crate::platform::http::client().unwrap();
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
async fn an_invocation_forwards_only_the_members_of_the_api() {
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
        (
            &services,
            "X-Amzn-SageMaker-Target-Variant",
            "blue",
            "Variant blue of endpoint housing not found; it has AllTraffic.",
        ),
        (&services, "X-Amzn-SageMaker-Target-Container-Hostname", "c", "is not configured for direct invocation"),
        (&services, "X-Amzn-SageMaker-Inference-Component", "ic", "There is no inference component ic"),
        (&multi, "X-Ignored", "", "is missing a target model header."),
        (&multi, "X-Amzn-SageMaker-Target-Model", "../prefix/a.tar.gz", "must be a path below ModelDataUrl"),
        (&multi, "X-Amzn-SageMaker-Target-Model", "/../etc/passwd", "must be a path below ModelDataUrl"),
        (&multi, "X-Amzn-SageMaker-Target-Model", "/etc/passwd", "from URL: \"./prefix/etc/passwd\""),
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
async fn ping_reports_the_state_of_the_endpoint() {
    let ping = || TestRequest::get().uri("/ping");
    let services = creating();
    let (status, kind, _, message) = error(send(&services, ping()).await).await;
    assert_eq!((status, &*kind, &*message), (503, "ServiceUnavailable", "Endpoint housing is Creating."));
    let (status, kind, _, _) = error(send(&services, invoke()).await).await;
    assert_eq!((status, &*kind), (503, "ServiceUnavailable"));

    let container = FakeContainer::answering(200, "text/csv", "1");
    let health = Health::default();
    let container = Container::single_model("primary", container.origin.clone(), health.clone());
    let variant = Variant::new("housing", "AllTraffic", Pipeline::new(vec![container]).unwrap());
    services.endpoint("housing").unwrap().in_service(Variants::new(vec![(variant, 1.0)], None));
    assert_eq!(send(&services, ping()).await.status(), 200);

    health.mark_exited("the process has ended (exit status: 1)");
    let (status, _, _, message) = error(send(&services, ping()).await).await;
    assert_eq!(status, 503);
    assert!(message.contains("container primary: the process has ended (exit status: 1)"), "{message}");
    let (status, kind, _, message) = error(send(&services, invoke()).await).await;
    assert_eq!((status, &*kind), (424, "ModelError"));
    assert!(message.contains("Container primary does not run"), "{message}");

    health.mark_failed("The primary container did not pass.");
    for request in [ping(), invoke()] {
        let (status, kind, _, message) = error(send(&services, request).await).await;
        assert_eq!((status, &*kind), (503, "ServiceUnavailable"));
        assert_eq!(message, "Endpoint housing is Failed. The primary container did not pass.");
    }
}

#[actix_web::test]
async fn other_paths_and_methods_are_refused_in_the_services_format() {
    let services = creating();
    for (request, status, kind) in [
        (TestRequest::get().uri("/"), 404, "UnknownOperationException"),
        (TestRequest::get().uri("/endpoints/housing/async-invocations"), 405, "MethodNotAllowedException"),
        (TestRequest::get().uri("/endpoints/housing/invocations-response-stream"), 405, "MethodNotAllowedException"),
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
async fn a_target_model_with_a_leading_slash_is_the_same_model_and_is_loaded_once() {
    let container = FakeContainer::answering(200, "application/json", "{}");
    let (services, _folder) = multi(&container);
    for target_model in ["/a.tar.gz", "a.tar.gz", "//a.tar.gz"] {
        let response = send(&services, invoke().insert_header(("X-Amzn-SageMaker-Target-Model", target_model))).await;
        assert_eq!(response.status(), 200, "{target_model}");
    }
    assert_eq!(container.seen().iter().filter(|seen| seen.is("POST", "/models")).count(), 1);
    for seen in container.seen() {
        assert_eq!(seen.header("x-amzn-sagemaker-target-model"), "a.tar.gz", "{seen:?}");
    }
}

#[actix_web::test]
async fn the_clients_request_id_reaches_every_container_also_when_it_loads_models() {
    let container = FakeContainer::answering(200, "application/json", "{}");
    let (services, _folder) = multi(&container);
    let asked = || invoke().insert_header(("X-Amzn-SageMaker-Target-Model", "a.tar.gz"));
    let response = send(&services, asked().insert_header(("X-Amzn-RequestId", "mine"))).await;
    let id = header(&response, "x-amzn-requestid").to_owned();
    assert_ne!(id, "mine", "a client does not choose it");
    let told: Vec<_> = container.seen().iter().map(|seen| seen.header("x-amzn-requestid").to_owned()).collect();
    assert_eq!(told, [id.clone(), id], "to load the model and to answer");

    let [first, second] = [(); 2].map(|()| FakeContainer::answering(200, "text/csv", "1"));
    let stage = |name, at: &FakeContainer| Container::single_model(name, at.origin.clone(), Health::default());
    let services = in_service(vec![stage("a", &first), stage("b", &second)]);
    let response = send(&services, invoke()).await;
    let id = header(&response, "x-amzn-requestid");
    for container in [first, second] {
        assert_eq!(container.seen()[0].header("x-amzn-requestid"), id);
    }
}

#[actix_web::test]
async fn calls_of_the_json_protocols_are_refused_in_their_format() {
    let services = creating();
    let call = |path: &str, target: &str| TestRequest::post().uri(path).insert_header(("X-Amz-Target", target));
    let of_logs = call("/", "Logs_20140328.DescribeLogStreams");
    for (request, content_type, said) in [
        (call("/", "SageMaker.CreateModel"), "application/x-amz-json-1.1", "CreateModel of SageMaker is not answered"),
        (
            of_logs.insert_header(("Content-Type", "application/x-amz-json-1.0")),
            "application/x-amz-json-1.0",
            "DescribeLogStreams of Logs_20140328 is not answered",
        ),
        (
            call("/", "SageMaker.CreateEndpoint").insert_header(("Authorization", "AWS4-HMAC-SHA256 Credential=x")),
            "application/x-amz-json-1.1",
            "CreateEndpoint of SageMaker",
        ),
        (call("/ping", "SageMaker.ListModels"), "application/x-amz-json-1.1", "ListModels of SageMaker"),
        (call("/other", ""), "application/x-amz-json-1.1", "names no operation"),
    ] {
        let response = send(&services, request).await;
        assert_eq!(response.status(), 400);
        assert_eq!(header(&response, "content-type"), content_type);
        assert_eq!(header(&response, "x-amzn-errortype"), "UnknownOperationException");
        assert_eq!(header(&response, "x-amzn-requestid").len(), 36);
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["__type"], "UnknownOperationException");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(said) && message.contains("InvokeEndpoint"), "{message}");
    }
    let ping = TestRequest::get().uri("/metrics").insert_header(("X-Amz-Target", "SageMaker.ListModels"));
    assert_eq!(send(&services, ping).await.status(), 200, "what is served is served");
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

fn session(id: &str) -> TestRequest {
    invoke().insert_header(("X-Amzn-SageMaker-Session-Id", id.to_owned()))
}

#[actix_web::test]
async fn the_configured_limit_of_a_request_applies() {
    let container = FakeContainer::answering(200, "text/csv", "1");
    let limits = Limits { request_bytes: 3, ..Limits::default() };
    let services = with(vec![(variant("blue", &container), 1.0)], None, limits);
    assert_eq!(send(&services, invoke()).await.status(), 200);
    let (status, .., message) = error(send(&services, invoke().set_payload("1,23")).await).await;
    assert_eq!((status, &*message), (413, "HTTP content length exceeded 3 bytes."));
}

#[actix_web::test]
async fn each_of_several_endpoints_is_called_by_its_name() {
    let (one, two) =
        (FakeContainer::answering(200, "text/csv", "one"), FakeContainer::answering(200, "text/csv", "two"));
    let endpoint = |name: &str, container: &FakeContainer| {
        let endpoint = Endpoint::creating(identity(name), None);
        endpoint.in_service(Variants::new(vec![(variant("blue", container), 1.0)], None));
        Arc::new(endpoint)
    };
    let creating = Arc::new(Endpoint::creating(identity("three"), None));
    let services = Services::new([endpoint("one", &one), endpoint("two", &two), creating], Limits::default(), None);
    let services = Data::new(services);
    for (name, body) in [("one", "one"), ("two", "two")] {
        let request = TestRequest::post().uri(&format!("/endpoints/{name}/invocations")).set_payload("1");
        let response = send(&services, request).await;
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), body);
    }
    let request = TestRequest::post().uri("/endpoints/three/invocations").set_payload("1");
    let (status, kind, _, message) = error(send(&services, request).await).await;
    assert_eq!((status, &*kind, &*message), (503, "ServiceUnavailable", "Endpoint three is Creating; try again."));
    let (.., message) = error(send(&services, TestRequest::get().uri("/ping")).await).await;
    assert_eq!(message, "Endpoint three is Creating.");
}

#[actix_web::test]
async fn requests_are_distributed_by_weight_or_go_to_the_target_variant() {
    let (blue, green) =
        (FakeContainer::answering(200, "text/csv", "b"), FakeContainer::answering(200, "text/csv", "g"));
    let services = with(vec![(variant("blue", &blue), 3.0), (variant("green", &green), 1.0)], None, Limits::default());
    for _ in 0..8 {
        send(&services, invoke()).await;
    }
    assert_eq!((blue.seen().len(), green.seen().len()), (6, 2));
    for _ in 0..3 {
        let response = send(&services, invoke().insert_header(("X-Amzn-SageMaker-Target-Variant", "green"))).await;
        assert_eq!(header(&response, "x-amzn-invoked-production-variant"), "green");
    }
    assert_eq!((blue.seen().len(), green.seen().len()), (6, 5));
}

#[actix_web::test]
async fn a_shadow_variant_gets_its_share_of_copies_and_its_answers_are_dropped() {
    let production = FakeContainer::answering(200, "text/csv", "seen");
    let copied = FakeContainer::answering(500, "text/csv", "not seen");
    let shadow = Shadow::new(variant("shadow", &copied), 0.5);
    let services = with(vec![(variant("blue", &production), 1.0)], Some(shadow), Limits::default());
    for _ in 0..4 {
        let response = send(&services, invoke()).await;
        assert_eq!(header(&response, "x-amzn-invoked-production-variant"), "blue");
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), "seen");
    }
    while copied.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((production.seen().len(), copied.seen().len()), (4, 2));
    assert_eq!(copied.seen()[0].body, "1,2");
}

#[actix_web::test]
async fn a_session_stays_with_its_variant_until_it_is_closed() {
    let stateful = |name: &'static str| {
        FakeContainer::start(move |seen| async move {
            let mut response = HttpResponse::Ok();
            let asked = seen.header("x-amzn-sagemaker-session-id").to_owned();
            match (asked.as_str(), seen.body.as_str()) {
                ("NEW_SESSION", _) => {
                    let opened = format!("{name}-1; Expires=2999-01-01T00:00:00Z");
                    response.insert_header(("X-Amzn-SageMaker-New-Session-Id", opened));
                }
                (id, "close") => drop(response.insert_header(("X-Amzn-SageMaker-Closed-Session-Id", id))),
                // As DJL does with every response.
                (id, _) => drop(response.insert_header(("X-Amzn-SageMaker-Session-Id", id))),
            }
            response.finish()
        })
    };
    let (blue, green) = (stateful("blue"), stateful("green"));
    let services = with(vec![(variant("blue", &blue), 1.0), (variant("green", &green), 1.0)], None, Limits::default());
    send(&services, invoke()).await;
    let response = send(&services, session("NEW_SESSION")).await;
    let opened = header(&response, "x-amzn-sagemaker-new-session-id");
    assert_eq!(opened, "green-1; Expires=2999-01-01T00:00:00Z");
    for _ in 0..3 {
        let response = send(&services, session("green-1")).await;
        assert_eq!(header(&response, "x-amzn-invoked-production-variant"), "green");
        assert_eq!(header(&response, "x-amzn-sagemaker-new-session-id"), "");
    }
    let elsewhere = session("green-1").insert_header(("X-Amzn-SageMaker-Target-Variant", "blue"));
    let (status, .., message) = error(send(&services, elsewhere).await).await;
    assert_eq!((status, &*message), (400, "TargetVariant cannot be used: the session lives in variant green."));

    let response = send(&services, session("green-1").set_payload("close")).await;
    assert_eq!(header(&response, "x-amzn-sagemaker-closed-session-id"), "green-1");
    for (id, expected) in [("green-1", "Session green-1 of endpoint housing not found"), ("a b", "must be NEW_SESSION")]
    {
        let (status, kind, _, message) = error(send(&services, session(id)).await).await;
        assert_eq!((status, &*kind), (400, "ValidationError"));
        assert!(message.contains(expected), "{message}");
    }
}

fn stream() -> TestRequest {
    TestRequest::post().uri("/endpoints/housing/invocations-response-stream").set_payload("1,2")
}

#[actix_web::test]
async fn a_streamed_answer_arrives_in_frames_with_the_headers_of_the_stream() {
    let container = FakeContainer::answering(200, "text/plain; charset=utf-8", "he");
    let request = stream()
        .insert_header(("Content-Type", "text/csv"))
        .insert_header(("Accept", "application/vnd.amazon.eventstream"))
        .insert_header(("X-Amzn-SageMaker-Accept", "text/plain"))
        .insert_header(("X-Amzn-SageMaker-Custom-Attributes", "c"));
    let response = send(&single(&container), request).await;
    for (name, value) in [
        ("content-type", "application/vnd.amazon.eventstream"),
        ("x-amzn-sagemaker-content-type", "text/plain; charset=utf-8"),
        ("x-amzn-invoked-production-variant", "AllTraffic"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    assert_eq!(header(&response, "x-amzn-requestid").len(), 36);
    assert_eq!(to_bytes(response.into_body()).await.unwrap(), event_stream::payload_part(b"he"));
    let seen = &container.seen()[0];
    assert_eq!((seen.header("content-type"), seen.header("accept")), ("text/csv", "text/plain"));
    assert_eq!(seen.header("x-amzn-sagemaker-custom-attributes"), "c");
}

#[actix_web::test]
async fn a_stream_that_breaks_ends_with_an_exception() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let held = Arc::clone(&gate);
    let container = FakeContainer::start(move |_| {
        let gate = Arc::clone(&held);
        async move {
            let first = futures_util::stream::once(async { Ok(actix_web::web::Bytes::from("he")) });
            let broken = futures_util::stream::once(async move {
                drop(gate.acquire().await);
                Err(actix_web::error::ErrorInternalServerError("broken"))
            });
            HttpResponse::Ok().streaming(futures_util::StreamExt::chain(first, broken))
        }
    });
    let response = send(&single(&container), stream()).await;
    gate.add_permits(1);
    let body = to_bytes(response.into_body()).await.unwrap();
    let first = event_stream::payload_part(b"he");
    assert!(body.starts_with(&first));
    let last = String::from_utf8_lossy(&body[first.len()..]).into_owned();
    for part in
        ["ModelStreamError", "{\"ErrorCode\":\"StreamBroken\",\"Message\":\"The connection to the container broke"]
    {
        assert!(last.contains(part), "{part}: {last}");
    }
}

#[actix_web::test]
async fn a_failure_before_the_first_byte_of_a_stream_is_an_ordinary_error() {
    let container = FakeContainer::answering(500, "text/plain", "boom");
    let services = single(&container);
    let (status, kind, code, message) = error(send(&services, stream()).await).await;
    assert_eq!((status, &*kind, &*code), (424, "ModelError", "INTERNAL_FAILURE_FROM_MODEL"));
    assert!(message.contains("from primary with message \"boom\""), "{message}");
    let request = stream().insert_header(("X-Amzn-SageMaker-Session-Id", "NEW_SESSION"));
    let (status, kind, _, message) = error(send(&services, request).await).await;
    assert_eq!((status, &*kind), (400, "ValidationError"));
    assert!(message.contains("cannot be created by InvokeEndpointWithResponseStream"), "{message}");
    let (multi, _folder) = multi(&container);
    let request = stream().insert_header(("X-Amzn-SageMaker-Target-Model", "a.tar.gz"));
    let (.., message) = error(send(&multi, request).await).await;
    assert!(message.ends_with("is missing a target model header."), "the operation has no TargetModel: {message}");
}

#[actix_web::test]
async fn a_repeated_header_of_the_api_is_refused() {
    let container = FakeContainer::answering(200, "text/csv", "1");
    let services = single(&container);
    for (name, value) in [
        ("Content-Type", "text/csv"),
        ("X-Amzn-SageMaker-Target-Model", "a.tar.gz"),
        ("X-Amzn-SageMaker-Target-Variant", "AllTraffic"),
        ("X-Amzn-SageMaker-Custom-Attributes", "c"),
    ] {
        let twice = invoke().append_header((name, value)).append_header((name, value));
        let (status, kind, _, message) = error(send(&services, twice).await).await;
        assert_eq!((status, &*kind), (400, "ValidationError"), "{name}");
        assert!(message.contains(&name.to_lowercase()) && message.contains("more than once"), "{message}");
    }
    // Accept is a list in HTTP. The stream operation's Accept is for the SDK and is not forwarded to the container.
    for (request, expected) in [(invoke(), "a/b, c/d"), (stream(), "*/*")] {
        let twice = request.append_header(("Accept", "a/b")).append_header(("Accept", "c/d"));
        assert_eq!(send(&services, twice).await.status(), 200);
        assert_eq!(container.seen().last().unwrap().header("accept"), expected);
    }
    assert_eq!(container.seen().len(), 2);
}

#[actix_web::test]
async fn responses_that_ask_to_retry_have_retry_after() {
    let container = FakeContainer::start(|seen| async move {
        let bytes = seen.body.parse().unwrap_or(0);
        HttpResponse::Ok().content_type("text/csv").body(vec![b'1'; bytes])
    });
    for request in [invoke(), stream(), TestRequest::get().uri("/ping")] {
        let response = send(&creating(), request).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"));
    }
    let limits = Limits { in_flight_bytes: 1 << 20, ..Limits::default() };
    let services = with(vec![(variant("blue", &container), 1.0)], None, limits);
    let held = services.memory.bodies().lease(1 << 19).unwrap();
    // A body, then a response, for which there is no memory at the moment.
    for body in ["1".repeat(100_000), "300000".to_owned()] {
        let response = send(&services, invoke().set_payload(body)).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"));
        assert_eq!(header(&response, "x-amzn-errortype"), "ServiceUnavailable");
    }
    // Small requests are still accepted.
    let response = send(&services, invoke().set_payload("1000")).await;
    assert_eq!(to_bytes(response.into_body()).await.unwrap().len(), 1000);
    drop(held);
    // A request that can never fit gets no Retry-After.
    let response = send(&services, invoke().set_payload("1".repeat(600_000))).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (413, ""));
    let (status, kind, code, _) = error(send(&services, invoke().set_payload("800000")).await).await;
    assert_eq!((status, &*kind, &*code), (424, "ModelError", "INTERNAL_FAILURE_FROM_MODEL"));
    let response = send(&services, invoke().set_payload("300000")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(services.memory.used(), 300_000, "an answer is held until it is sent");
    assert_eq!(to_bytes(response.into_body()).await.unwrap().len(), 300_000);
    while services.memory.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn requests_in_flight_are_on_the_metrics_page() {
    crate::telemetry::metrics::start();
    let services = creating();
    let _held = services.memory.bodies().lease(12_345).unwrap();
    let page = to_bytes(send(&services, TestRequest::get().uri("/metrics")).await.into_body()).await.unwrap();
    let page = std::str::from_utf8(&page).unwrap();
    for part in ["byoc_endpoint_in_flight_bytes ", "byoc_endpoint_in_flight_limit_bytes "] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

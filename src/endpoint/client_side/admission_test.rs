use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, HttpResponse};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::client_side::authorization::{Authorization, Principals};
use crate::endpoint::client_side::{Endpoint, Services, Variant, Variants, configure};
use crate::endpoint::container_side::{Container, Pipeline};
use crate::endpoint::identity::Identity;
use crate::endpoint::limits::Limits;
use crate::supervisor::Health;
use byoc_fake_container::FakeContainer;

const HOST: &str = "localhost:8080";
const BODY: &str = "1,2";

/// An endpoint that allows `NewYork_NY/*`, and a container behind it that answers 200.
fn endpoint() -> (Data<Services>, FakeContainer) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("iam.json");
    let iam = json!({"Account": "123456789012", "Principals": [{
        "Arn": "arn:aws:sts::123456789012:assumed-role/NewYork/me", "AccessKeyId": "KEY", "SecretAccessKey": "secret",
        "Policies": [{"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*",
            "Condition": {"StringLikeIfExists": {"sagemaker:TargetModel": "NewYork_NY/*"}}}}],
    }]});
    std::fs::write(&file, iam.to_string()).unwrap();
    let authorization = Authorization::new(Principals::from_file(&file).unwrap());
    let identity = Identity { endpoint: "housing".into(), region: "us-east-1".into(), account: "123456789012".into() };
    let container = FakeContainer::start(|_| async { HttpResponse::Ok().body("{}") });
    let containers = vec![Container::single_model("primary", container.origin.clone(), Health::default())];
    let variant = Variant::new("housing", "AllTraffic", Pipeline::new(containers).unwrap());
    let endpoint = Endpoint::creating(identity, None);
    endpoint.in_service(Variants::new(vec![(variant, 1.0)], None));
    (Data::new(Services::new([Arc::new(endpoint)], Limits::default(), Some(authorization))), container)
}

fn unsigned(path: &str, target_model: Option<&str>) -> TestRequest {
    let request = TestRequest::post().uri(path).insert_header(("Host", HOST)).set_payload(BODY);
    match target_model {
        Some(target_model) => request.insert_header(("X-Amzn-SageMaker-Target-Model", target_model)),
        None => request,
    }
}

/// The same, signed now.
fn signed(path: &str, target_model: Option<&str>, secret: &str) -> TestRequest {
    signed_with_body(path, target_model, secret, BODY)
}

fn signed_with_body(path: &str, target_model: Option<&str>, secret: &str, body: &str) -> TestRequest {
    let mut headers = vec![("host", HOST)];
    headers.extend(target_model.map(|target_model| ("x-amzn-sagemaker-target-model", target_model)));
    let identity = Credentials::new("KEY", secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("sagemaker")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let body = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new("POST", path.to_owned(), headers.into_iter(), body).unwrap();
    let (signature, _) = sign(signable, &parameters).unwrap().into_parts();
    signature.headers().fold(unsigned(path, target_model), |request, header| request.insert_header(header))
}

/// The status, the exception and the message.
async fn answer(services: &Data<Services>, request: TestRequest) -> (u16, String, String) {
    let client = crate::platform::http::client().unwrap();
    let app = App::new().app_data(Data::new(client)).configure(configure(services.clone()));
    let response = call_service(&init_service(app).await, request.to_request()).await;
    let kind = response.headers().get("x-amzn-errortype").map_or("", |value| value.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap_or_default();
    (status, kind, body["Message"].as_str().unwrap_or_default().to_owned())
}

const INVOKE: &str = "/endpoints/housing/invocations";

#[actix_web::test]
async fn a_signed_request_reaches_the_container_and_no_other_does() {
    let (services, container) = endpoint();
    for (request, exception, message) in [
        (unsigned(INVOKE, None), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (signed(INVOKE, None, "guess"), "InvalidSignatureException", "The request signature we calculated"),
        (signed(INVOKE, None, "secret").set_payload("1,3"), "InvalidSignatureException", "The request signature"),
        (signed(INVOKE, Some("Chicago_IL/a"), "secret"), "AccessDeniedException", "User: arn:aws:sts::123456789012:"),
    ] {
        let (status, kind, text) = answer(&services, request).await;
        assert_eq!((status, kind.as_str()), (403, exception), "{text}");
        assert!(text.starts_with(message), "{text}");
    }
    assert_eq!(container.seen().len(), 0);
    assert_eq!(answer(&services, signed(INVOKE, None, "secret")).await.0, 200);
    assert_eq!(container.seen().len(), 1);
}

const STREAM: &str = "/endpoints/housing/invocations-response-stream";
const LATER: &str = "/endpoints/housing/async-invocations";

#[actix_web::test]
async fn every_operation_needs_a_signature_and_the_asynchronous_one_a_separate_action() {
    let (services, container) = endpoint();
    for path in [STREAM, LATER] {
        let (status, kind, _) = answer(&services, unsigned(path, None)).await;
        assert_eq!((status, kind.as_str()), (403, "MissingAuthenticationTokenException"), "{path}");
    }
    assert_eq!(container.seen().len(), 0);
    assert_eq!(answer(&services, signed(STREAM, None, "secret")).await.0, 200);
    // The operation has no TargetModel, so the header affects no decision.
    assert_eq!(answer(&services, signed(STREAM, Some("Chicago_IL/a"), "secret")).await.0, 200);
    let (status, kind, message) = answer(&services, signed(LATER, None, "secret")).await;
    assert_eq!((status, kind.as_str()), (403, "AccessDeniedException"));
    assert!(message.contains("sagemaker:InvokeEndpointAsync"), "{message}");
}

#[actix_web::test]
async fn an_unauthorized_caller_does_not_learn_what_exists() {
    let (services, _container) = endpoint();
    let nope = "/endpoints/nope/invocations";
    assert_eq!(answer(&services, unsigned(nope, None)).await.1, "MissingAuthenticationTokenException");
    let (_, kind, message) = answer(&services, signed(nope, Some("Chicago_IL/a"), "secret")).await;
    assert_eq!(kind, "AccessDeniedException");
    assert!(message.contains("endpoint/nope because no identity-based policy"), "{message}");
    let (status, kind, message) = answer(&services, signed(nope, None, "secret")).await;
    assert_eq!((status, kind.as_str()), (400, "ValidationError"), "{message}");
    // An allowed caller gets the error of the call itself.
    let (status, _, message) = answer(&services, signed(INVOKE, Some("NewYork_NY/a"), "secret")).await;
    assert_eq!(status, 400);
    assert!(message.contains("not a multi-model endpoint"), "{message}");
}

#[actix_web::test]
async fn a_body_too_large_to_be_checked_is_refused_for_its_size() {
    let (services, container) = endpoint();
    let request = signed(INVOKE, None, "secret").set_payload(vec![b'1'; Limits::default().request_bytes + 1]);
    assert_eq!(answer(&services, request).await.0, 413);
    assert_eq!(container.seen().len(), 0);
}

/// The head of a request whose announced body never arrives.
fn head_only(request: TestRequest, announced: &str) -> (HttpRequest, Payload) {
    let request = request.insert_header(("Content-Length", announced)).to_http_request();
    let body = futures_util::StreamExt::boxed_local(futures_util::stream::pending());
    let mut payload = actix_web::dev::Payload::Stream { payload: body };
    let payload = futures_util::FutureExt::now_or_never(<Payload as actix_web::FromRequest>::from_request(
        &request,
        &mut payload,
    ));
    (request, payload.unwrap().unwrap())
}

const OPERATION: Operation = Operation {
    name: "InvokeEndpoint",
    path: "/endpoints/{name}/invocations",
    route: actix_web::web::post,
    action: crate::endpoint::client_side::authorization::INVOKE_ENDPOINT,
    content_type: actix_web::http::header::CONTENT_TYPE,
    accept: actix_web::http::header::ACCEPT,
    target_model: Some(headers::TARGET_MODEL),
    waits: Waits::Client,
};

#[actix_web::test]
async fn an_error_in_a_head_is_reported_before_the_body_arrives() {
    let (services, _container) = endpoint();
    let digest = "0f".repeat(32);
    let wrong =
        |name: &'static str, value: &str| signed(INVOKE, None, "secret").insert_header((name, value.to_owned()));
    for (request, exception) in [
        (unsigned(INVOKE, None), "MissingAuthenticationTokenException"),
        (wrong("x-amz-date", "20200101T000000Z"), "InvalidSignatureException"),
        (wrong("x-amz-security-token", "token"), "UnrecognizedClientException"),
        (wrong("authorization", "AWS4-HMAC-SHA256 Credential=x"), "IncompleteSignatureException"),
        // It names the digest of a body other than the signed one, so this body is not needed.
        (wrong("x-amz-content-sha256", &digest), "InvalidSignatureException"),
        (wrong("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "InvalidSignatureException"),
        (unsigned(INVOKE, Some("a")).append_header((headers::TARGET_MODEL, "b")), "ValidationError"),
    ] {
        let (request, payload) = head_only(request, "20000000");
        let admitted = admit(&services, &request, &OPERATION, "housing", payload);
        let refused = tokio::time::timeout(std::time::Duration::from_secs(20), admitted).await.unwrap().unwrap_err();
        let response = refused.respond(actix_web::http::header::HeaderValue::from_static("id"));
        assert_eq!(response.headers().get("x-amzn-errortype").unwrap(), exception);
    }
    assert_eq!(services.memory.used(), 0);
}

#[actix_web::test]
async fn an_unauthorized_caller_is_refused_without_keeping_the_body() {
    let (services, _container) = endpoint();
    // The budget has no space for any body.
    let _held = services.memory.bodies().lease(services.memory.bodies().max_body_bytes()).unwrap();
    let large = || "1".repeat(200_000);
    let request = signed_with_body(INVOKE, Some("Chicago_IL/a"), "secret", &large()).set_payload(large());
    assert_eq!(answer(&services, request).await.1, "AccessDeniedException");
    let request = signed_with_body(INVOKE, Some("Chicago_IL/a"), "guess", &large()).set_payload(large());
    assert_eq!(answer(&services, request).await.1, "InvalidSignatureException", "who has not signed hears no more");
    let request = signed_with_body(INVOKE, None, "secret", &large()).set_payload(large());
    assert_eq!(answer(&services, request).await.0, 503);
}

#[actix_web::test]
async fn repeating_a_header_does_not_evade_a_condition() {
    let (services, container) = endpoint();
    for models in [["NewYork_NY/a", "Chicago_IL/a"], ["Chicago_IL/a", "NewYork_NY/a"]] {
        let request = signed(INVOKE, Some(models[0]), "secret").append_header((headers::TARGET_MODEL, models[1]));
        let (status, kind, message) = answer(&services, request).await;
        assert_eq!((status, kind.as_str()), (400, "ValidationError"), "{message}");
    }
    assert_eq!(container.seen().len(), 0);
}

#[actix_web::test]
async fn ping_needs_no_signature() {
    let (services, _container) = endpoint();
    let request = TestRequest::get().uri("/ping");
    assert_eq!(answer(&services, request).await.0, StatusCode::OK.as_u16());
}

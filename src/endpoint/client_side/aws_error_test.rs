use std::time::Duration;

use actix_web::body::to_bytes;
use bytes::Bytes;

use super::*;
use crate::error::Reason;

fn identity() -> Identity {
    Identity { endpoint: "my-ep".into(), region: "us-east-1".into(), account: "123456789012".into() }
}

/// Status, exception and body of a failure.
async fn wire(failure: InvocationError) -> (u16, String, String) {
    let error = AwsError::from_invocation_error(&failure, &identity(), &Uuid::nil());
    let response = error.respond(HeaderValue::from_static("id-1"));
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/json");
    assert_eq!(response.headers().get(REQUEST_ID).unwrap(), "id-1");
    let kind = response.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

fn container(name: &str, what: ContainerError) -> InvocationError {
    InvocationError::Container { container: name.to_owned(), what }
}

const LOOK: &str = "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:\
                    group=/aws/sagemaker/Endpoints/my-ep in account 123456789012 for more information.";
const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/my-ep";

#[actix_web::test]
async fn a_model_error_equals_that_of_the_service_byte_for_byte() {
    let failure = container("primary", ContainerError::Status(404, Bytes::from_static(b"no m")));
    let expected = [
        r#"{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","LogStreamArn":""#,
        ARN,
        r#"","Message":"Received client error (404) from primary with message \"no m\". "#,
        LOOK,
        r#"","OriginalMessage":"no m","OriginalStatusCode":404}"#,
    ]
    .concat();
    assert_eq!(wire(failure).await, (424, "ModelError".to_owned(), expected));
}

#[actix_web::test]
async fn every_failure_has_its_status_exception_and_message() {
    let cases = [
        (
            container("container-2", ContainerError::Status(500, Bytes::from_static(b"boom"))),
            424,
            "ModelError",
            "INTERNAL_FAILURE_FROM_MODEL",
            format!("Received server error (500) from container-2 with message \"boom\". {LOOK}"),
        ),
        (
            container("primary", ContainerError::BodyTooLarge(500, 7)),
            424,
            "ModelError",
            "INTERNAL_FAILURE_FROM_MODEL",
            format!("Received server error (500) from primary and could not load the entire response body. {LOOK}"),
        ),
        (
            container("primary", ContainerError::TimedOut),
            424,
            "ModelError",
            "INTERNAL_FAILURE_FROM_MODEL",
            format!(
                "Received server error (0) from primary with message \"Your invocation timed out while waiting for a \
                 response from container primary. Review the latency metrics for each container in Amazon CloudWatch, \
                 resolve the issue, and try again.\". {LOOK}"
            ),
        ),
        (
            container("primary", ContainerError::NoAnswer("connection reset".into())),
            424,
            "ModelError",
            "INTERNAL_FAILURE_FROM_MODEL",
            format!(
                "Received server error (0) from primary with message \"Amazon SageMaker could not get a response from \
                 the my-ep endpoint. This can occur when CPU or memory utilization is high. The connection to the \
                 container failed: connection reset.\". {LOOK}"
            ),
        ),
        (
            InvocationError::TargetModelNotSupported,
            400,
            "ValidationError",
            "TARGET_MODEL_HEADER_NOT_SUPPORTED",
            "Endpoint my-ep is not a multi-model endpoint and does not support target model header.".into(),
        ),
        (
            InvocationError::TargetContainerMissing,
            400,
            "ValidationError",
            "",
            "Request 00000000-0000-0000-0000-000000000000 is missing a target container hostname header; the \
             containers of endpoint my-ep are in Direct mode."
                .into(),
        ),
        (
            InvocationError::TargetContainerNotSupported,
            400,
            "ValidationError",
            "",
            "Endpoint my-ep is not configured for direct invocation and does not support target container hostname \
             header."
                .into(),
        ),
        (
            InvocationError::NoSuchContainer { hostname: "c".into(), known: vec!["a".into(), "b".into()] },
            400,
            "ValidationError",
            "",
            "Container c of endpoint my-ep not found; it has a, b.".into(),
        ),
        (
            InvocationError::TargetModelMissing,
            400,
            "ValidationError",
            "",
            "Request 00000000-0000-0000-0000-000000000000 is missing a target model header.".into(),
        ),
        (
            InvocationError::NoSuchModel { container: "learner".into(), url: "./models/a.tar.gz".into() },
            400,
            "ValidationError",
            "",
            "Failed to download model data for container \"learner\" from URL: \"./models/a.tar.gz\". Please ensure \
             that there is an object located at the URL and that the role passed to CreateModel has permissions to \
             download the object."
                .into(),
        ),
        (
            InvocationError::BadArtifact {
                container: "learner".into(),
                url: "u".into(),
                reason: Reason::new("not gzip"),
            },
            400,
            "ValidationError",
            "",
            "Failed to extract model data archive for container \"learner\" from URL: \"u\". Please ensure that the \
             object located at the URL is a valid tar.gz archive: not gzip"
                .into(),
        ),
        (
            InvocationError::DiskTooSmall { container: "learner".into(), url: "u".into(), limit: 1024 },
            400,
            "ValidationError",
            "",
            "Failed to download model data for container \"learner\" from URL: \"u\". The model is larger than the disk \
             space of the endpoint: it needs more disk space than the 1024 bytes of --model-disk"
                .into(),
        ),
        (
            InvocationError::ModelNotReady { target_model: "a".into(), waited: Duration::from_secs(60) },
            429,
            "ModelNotReadyException",
            "",
            "Model a is still being loaded after 60 s; try again.".into(),
        ),
        (
            InvocationError::Internal(Reason::new("the disk is full")),
            500,
            "InternalFailure",
            "",
            "The endpoint failed; its log has the reason under request 00000000-0000-0000-0000-000000000000.".into(),
        ),
    ];
    for (failure, status, kind, code, message) in cases {
        let (is_status, is_kind, body) = wire(failure.clone()).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((is_status, is_kind.as_str()), (status, kind), "{failure:?}");
        assert_eq!(body["Message"], message, "{failure:?}");
        assert_eq!(body["ErrorCode"].as_str().unwrap_or_default(), code, "{failure:?}");
        assert_eq!(body.get("OriginalStatusCode").is_some(), kind == "ModelError", "{failure:?}");
    }
}

#[actix_web::test]
async fn a_body_too_large_to_pass_on_is_reported_with_both_containers() {
    let what = ContainerError::HandOverTooLarge { status: 200, next: "b".into(), bytes: 6_000_000, limit: 5 << 20 };
    let (_, _, body) = wire(container("a", what)).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let sentence = "Received response from a with status code 200. However, the request payload from a to b is 6000000 \
                    bytes, which has exceeded the maximum limit of 5 MB.";
    assert_eq!(body["Message"], format!("{sentence} {LOOK}"));
    assert_eq!((body["OriginalMessage"].as_str(), body["OriginalStatusCode"].as_u64()), (Some(sentence), Some(200)));

    let what = ContainerError::HandOverTooLarge { status: 200, next: "b".into(), bytes: 8, limit: 7 };
    let (_, _, body) = wire(container("a", what)).await;
    assert!(body.contains("is 8 bytes, which has exceeded the maximum limit of 7 bytes."), "{body}");
}

#[actix_web::test]
async fn long_and_binary_answers_are_shortened_and_stay_text() {
    let body = ["ü".repeat(5000).as_bytes(), b"\xff"].concat();
    let (_, _, body) = wire(container("a", ContainerError::Status(500, body.into()))).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let (message, original) = (body["Message"].as_str().unwrap(), body["OriginalMessage"].as_str().unwrap());
    assert_eq!((message.chars().count(), original.chars().count()), (2048, 2048));
    assert!(message.ends_with(LOOK), "{message}");
    let (_, _, body) = wire(container("a", ContainerError::Status(500, Bytes::from_static(b"a\xffb")))).await;
    assert!(body.contains("\"OriginalMessage\":\"a\u{fffd}b\""), "{body}");
}

#[test]
fn a_refusal_is_logged_at_info_with_the_deciding_policies_and_a_model_error_is_a_warning() {
    let id = Uuid::nil();
    let refusal = Refusal::AccessDenied {
        principal: "arn:aws:iam::123456789012:user/me".to_owned(),
        action: "sagemaker:InvokeEndpoint".to_owned(),
        resource: "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e".to_owned(),
        explicitly: false,
        decided_by: "Principals[0].Policies[0].Statement allows it only where StringLike a".to_owned(),
    };
    let denied = AwsError::refused(&refusal);
    assert_eq!(denied.level(), log::Level::Info);
    let line = denied.line("endpoint e", &id);
    for part in [
        "endpoint e, request 00000000-0000-0000-0000-000000000000: AccessDeniedException (403): User: arn:aws:iam::",
        "; Principals[0].Policies[0].Statement allows it only where StringLike a",
    ] {
        assert!(line.contains(part), "{line}");
    }
    let told = String::from_utf8(denied.to_json()).unwrap();
    assert!(!told.contains("Policies"), "the caller is not told what policies say: {told}");

    let missing = AwsError::from_invocation_error(&InvocationError::TargetModelMissing, &identity(), &id);
    let line = missing.line("endpoint e", &id);
    let expected = "target model header; expected the header X-Amzn-SageMaker-Target-Model, TargetModel in the API";
    assert!(line.ends_with(expected), "{line}");

    let misspelt = AwsError::no_such_endpoint("hosing", "1", ["cars", "housing"].into_iter());
    let line = misspelt.line("endpoint hosing", &id);
    assert!(line.ends_with("not found; did you mean housing? expected housing, cars"), "{line}");
    let told = String::from_utf8(misspelt.to_json()).unwrap();
    assert!(!told.contains("housing"), "the caller's text is AWS's: {told}");

    let unknown = AwsError::unknown_target("no such operation");
    assert!(unknown.line("the endpoint", &id).contains("UnknownOperationException (400)"), "as the client gets it");
    let header = HeaderValue::from_static("id-1");
    let answer = super::super::json_protocol::respond(&unknown, &actix_web::http::header::HeaderMap::new(), header);
    assert_eq!(answer.status(), 400);

    assert_eq!(AwsError::validation("no").level(), log::Level::Info);
    let failed = InvocationError::Container { container: "a".into(), what: ContainerError::TimedOut };
    let identity = Identity { endpoint: "e".into(), region: "r".into(), account: "1".into() };
    assert_eq!(AwsError::from_invocation_error(&failed, &identity, &id).level(), log::Level::Warn);
    let long = AwsError::validation("x ".repeat(5000)).line(&"n".repeat(5000), &id);
    assert!(long.len() < 1000, "{}", long.len());
}

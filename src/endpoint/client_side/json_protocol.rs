//! Calls of AWS's JSON protocols: `POST /` with `X-Amz-Target: SageMaker.CreateModel`
//! (smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html). The endpoint supports none of them and refuses them in
//! their own format: SDKs take the exception from `__type` and its text from `message`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;

use super::aws_error::AwsError;
use super::headers::{self, ERROR_TYPE, REQUEST_ID};
use super::operations;

const TARGET: &str = "x-amz-target";
const VERSION_1_0: &str = "application/x-amz-json-1.0";
const VERSION_1_1: &str = "application/x-amz-json-1.1";
/// The most characters of a target that are repeated in a message.
const MAX_TARGET_LENGTH: usize = 200;

/// The operations that the endpoint supports.
fn supported_operations() -> String {
    let names = operations::ALL.iter().map(|operation| operation.name).collect::<Vec<_>>();
    let list = match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        names => names.concat(),
    };
    format!("byoc endpoint answers sagemaker-runtime's {list}")
}

/// The target of a JSON protocol request, if it is one.
pub(super) fn target(headers: &HeaderMap) -> Option<String> {
    headers::text(headers, TARGET).map(|target| target.chars().take(MAX_TARGET_LENGTH).collect())
}

/// The message for an unsupported target: names the supported operations and byoc's alternative.
pub(super) fn unknown_operation(target: &str) -> String {
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match target.rsplit_once('.').filter(|(service, operation)| is_name(service) && is_name(operation)) {
        Some((service, operation)) => {
            let hint = instead(service, operation).map(|hint| format!(" {hint}")).unwrap_or_default();
            format!("{operation} of {service} is not answered here; {}.{hint}", supported_operations())
        }
        None => format!("X-Amz-Target {target:?} names no operation; {}.", supported_operations()),
    }
}

/// The local alternative to an operation of AWS.
fn instead(service: &str, operation: &str) -> Option<&'static str> {
    Some(match (service, operation) {
        ("SageMaker", "CreateModel" | "CreateEndpointConfig" | "CreateEndpoint" | "UpdateEndpoint") => {
            "An endpoint is made by `byoc endpoint --config FILE`, whose FILE has CreateModel's or \
             CreateEndpointConfig's request as JSON and EndpointName."
        }
        ("SageMaker", "DescribeEndpoint" | "ListEndpoints") => {
            "`GET /ping` is 200 while all its endpoints are InService."
        }
        ("SageMaker", "CreateTransformJob") => "`byoc transform --job FILE` takes its request as JSON.",
        ("SageMaker", "CreateTrainingJob") => "`byoc train` trains over a folder like /opt/ml.",
        ("SageMaker", _) => "Of SageMaker's control plane it has nothing.",
        (service, _) if service.starts_with("Logs_") => "Its log is its standard error.",
        (service, _) if service.starts_with("GraniteServiceVersion") => "`GET /metrics` has its metrics.",
        _ => return None,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "__type")]
    kind: &'a str,
    message: &'a str,
}

/// An error in the format of the JSON protocols. They have no 404 and 405 but use 400.
pub(super) fn respond(error: &AwsError, request: &HeaderMap, request_id: HeaderValue) -> HttpResponse {
    let status = match StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST) {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => StatusCode::BAD_REQUEST,
        other => other,
    };
    let asked = headers::text(request, CONTENT_TYPE.as_str());
    let version = match asked.as_deref().is_some_and(|asked| asked.starts_with(VERSION_1_0)) {
        true => VERSION_1_0,
        false => VERSION_1_1,
    };
    let kind = error.kind().unwrap_or("UnknownError");
    // A structure of two strings always serializes.
    let body = serde_json::to_vec(&Body { kind, message: error.message() }).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(version)))
        .insert_header((REQUEST_ID, request_id))
        .insert_header((ERROR_TYPE, kind))
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_operation_the_supported_ones_and_the_alternative() {
        for (target, parts) in [
            ("SageMaker.CreateModel", ["CreateModel of SageMaker is not answered", "byoc endpoint --config FILE"]),
            ("SageMaker.CreateTransformJob", ["CreateTransformJob", "byoc transform --job FILE"]),
            ("SageMaker.AddTags", ["AddTags of SageMaker", "control plane"]),
            ("Logs_20140328.DescribeLogStreams", ["DescribeLogStreams of Logs_20140328", "standard error"]),
            ("DynamoDB_20120810.GetItem", ["GetItem of DynamoDB_20120810", "InvokeEndpointAsync."]),
            ("SageMaker", ["X-Amz-Target \"SageMaker\" names no operation", "InvokeEndpoint"]),
            ("", ["X-Amz-Target \"\"", "InvokeEndpoint"]),
            (".CreateModel", ["X-Amz-Target", "names no operation"]),
            ("a.b\nc", ["\"a.b\\nc\" names no operation", "InvokeEndpoint"]),
        ] {
            let message = unknown_operation(target);
            for part in parts {
                assert!(message.contains(part), "{target}: {message}");
            }
        }
    }
}

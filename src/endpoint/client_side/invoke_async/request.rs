//! Accepts a request: `POST /endpoints/{EndpointName}/async-invocations`
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html).

use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web::{self, Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use uuid::Uuid;

use crate::endpoint::client_side::admission::admit;
use crate::endpoint::client_side::asynchronous::Job;
use crate::endpoint::client_side::asynchronous::locations::{Input, MAX_INLINE, is_file_name, output};
use crate::endpoint::client_side::authorization::INVOKE_ENDPOINT_ASYNC;
use crate::endpoint::client_side::aws_error::AwsError;
use crate::endpoint::client_side::headers;
use crate::endpoint::client_side::invocation::{Operation, Routed, Waits, finish, known, refuse, request_id};
use crate::endpoint::client_side::services::{Endpoint, Services};

pub(in crate::endpoint::client_side) static OPERATION: Operation = Operation {
    name: "InvokeEndpointAsync",
    path: "/endpoints/{name}/async-invocations",
    route: || web::post().to(invoke_endpoint_async),
    action: INVOKE_ENDPOINT_ASYNC,
    content_type: HeaderName::from_static("x-amzn-sagemaker-content-type"),
    accept: HeaderName::from_static("x-amzn-sagemaker-accept"),
    // This operation has no such member.
    target_model: None,
    waits: Waits::Queue,
};
const INFERENCE_ID: &str = "x-amzn-sagemaker-inference-id";
const INPUT_LOCATION: &str = "x-amzn-sagemaker-inputlocation";
const OUTPUT_PATH_EXTENSION: &str = "x-amzn-sagemaker-s3outputpathextension";
const FILENAME: &str = "x-amzn-sagemaker-filename";
const REQUEST_TTL_SECONDS: &str = "x-amzn-sagemaker-requestttlseconds";
const INVOCATION_TIMEOUT_SECONDS: &str = "x-amzn-sagemaker-invocationtimeoutseconds";

/// Accepts a request and answers it later.
async fn invoke_endpoint_async(
    request: HttpRequest,
    name: Path<String>,
    payload: Payload,
    services: Data<Services>,
) -> HttpResponse {
    let id = request_id();
    let admitted = admit(&services, &request, &OPERATION, &name, payload).await;
    let (endpoint, body) = match admitted.and_then(|body| Ok((known(&services, &name)?, body))) {
        Ok(admitted) => admitted,
        Err(error) => return refuse(id, &name, &error),
    };
    let outcome = accept(request.headers(), body, &services, endpoint, id.0).await;
    finish(id, &name, None, outcome)
}

/// The response body.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Accepted<'a> {
    inference_id: &'a str,
}

async fn accept(
    given: &HeaderMap,
    body: Result<Bytes, AwsError>,
    services: &Services,
    endpoint: &Endpoint,
    id: Uuid,
) -> Result<HttpResponse, AwsError> {
    let name = &endpoint.identity.endpoint;
    let Some(queue) = &endpoint.queue else {
        return Err(AwsError::validation(format!(
            "Endpoint {name} has no AsyncInferenceConfig and does not take InvokeEndpointAsync."
        )));
    };
    // A request that could not be answered now cannot be answered later either.
    let routed = Routed::to(endpoint, None, None)?;
    let call = routed.call(given, &OPERATION, Bytes::new(), services, id);
    let call = call.map_err(|refused| refused.for_client(endpoint, &id))?;
    let input = match (headers::text(given, INPUT_LOCATION), body?) {
        (Some(_), body) if !is_absent(&body) => {
            return Err(AwsError::validation("Body and InputLocation are mutually exclusive; give one of them."));
        }
        (Some(location), _) => Input::at(&location).map_err(AwsError::validation)?,
        (None, body) if body.is_empty() => {
            return Err(AwsError::validation("Body and InputLocation are both missing; give one of them."));
        }
        (None, body) if body.len() > MAX_INLINE => {
            let bytes = body.len();
            let message = format!("Body has {bytes} bytes; at most {MAX_INLINE}. Use InputLocation for more.");
            return Err(AwsError::validation(message));
        }
        (None, body) => Input::Inline(body),
    };
    input.check(&queue.inputs).await.map_err(AwsError::validation)?;

    let extension = headers::text(given, OUTPUT_PATH_EXTENSION).unwrap_or_default();
    let request_id = id.to_string();
    let inference_id = headers::text(given, INFERENCE_ID);
    let inference_id = inference_id.as_deref().unwrap_or(&request_id);
    let (answer, error) = file_names(headers::text(given, FILENAME).as_deref(), &request_id)?;
    let output_location = output(&queue.output, &extension, &answer).map_err(AwsError::validation)?;
    let failure_location = output(&queue.failure, &extension, &error).map_err(AwsError::validation)?;
    let (output_url, failure_url) = (output_location.to_string(), failure_location.to_string());
    queue.push(Job {
        id,
        variant: routed.number,
        call,
        input,
        output: output_location,
        failure: failure_location,
        queued: Instant::now(),
        time_to_live: seconds(given, REQUEST_TTL_SECONDS, "RequestTTLSeconds", 60, 21_600, 21_600)?,
        timeout: seconds(given, INVOCATION_TIMEOUT_SECONDS, "InvocationTimeoutSeconds", 1, 3600, 900)?,
    })?;
    Ok(HttpResponse::Accepted()
        .insert_header(("X-Amzn-SageMaker-OutputLocation", output_url))
        .insert_header(("X-Amzn-SageMaker-FailureLocation", failure_url))
        .json(Accepted { inference_id }))
}

/// Whether a body counts as absent: the AWS SDK for JavaScript v2 sends an empty document, `{}`, without a Body.
fn is_absent(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}")
}

/// The names of the objects for the response and for a failure: from Filename, else from the request's id. Not from
/// InferenceId: two requests may share one, and one response would replace the other.
fn file_names(given: Option<&str>, request_id: &str) -> Result<(String, String), AwsError> {
    match given {
        None => Ok((format!("{request_id}.out"), format!("{request_id}-error.out"))),
        Some(name) if is_file_name(name) => Ok((name.to_owned(), format!("{name}-error.out"))),
        Some(name) => Err(AwsError::validation(format!(
            "Filename {name:?} must have 1 to 32 letters, digits, hyphens and underscores, and at most one dot."
        ))),
    }
}

fn seconds(
    given: &HeaderMap,
    header: &str,
    member: &str,
    least: u64,
    most: u64,
    default: u64,
) -> Result<Duration, AwsError> {
    let Some(text) = headers::text(given, header) else { return Ok(Duration::from_secs(default)) };
    match text.parse() {
        Ok(seconds) if (least..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(AwsError::validation(format!("{member} {text:?} must be a whole number from {least} to {most}."))),
    }
}

//! Errors in AWS's wording and format.
//!
//! botocore takes the exception's name from the header `x-amzn-errortype` and its text from `Message` with a capital M.
//! The texts are from public issues, which are cited beside them. Members are in alphabetical
//! order, as the service sends them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use uuid::Uuid;

use super::authorization::Refusal;
use super::headers::{ERROR_TYPE, REQUEST_ID};
use crate::endpoint::container_side::{ContainerError, InvocationError};
use crate::endpoint::identity::Identity;
use byoc_formats::error::chain;
use byoc_formats::suggest;

/// `Message` and `OriginalMessage` have at most this many characters (botocore's model).
const MAX_MESSAGE_LENGTH: usize = 2048;

/// Retry-After in seconds (RFC 9110 section 10.2.3).
const SECONDS_TO_WAIT: &str = "1";

/// The most characters of a message that a log line shows.
const MAX_LINE_LENGTH: usize = 300;
/// The most characters of the deciding policies that it shows.
const MAX_REASON_LENGTH: usize = 1000;

/// An error as a client gets it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AwsError {
    #[serde(skip)]
    status: StatusCode,
    /// The exception's name. Without one, botocore uses the status.
    #[serde(skip)]
    kind: Option<&'static str>,
    /// The deciding policy, or known alternatives; only for the log.
    #[serde(skip)]
    decided_by: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_stream_arn: Option<Box<str>>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_status_code: Option<u16>,
}

impl AwsError {
    fn new(status: StatusCode, kind: Option<&'static str>, message: impl Into<String>) -> AwsError {
        AwsError {
            status,
            kind,
            decided_by: None,
            error_code: None,
            log_stream_arn: None,
            message: shortened(message.into(), MAX_MESSAGE_LENGTH),
            original_message: None,
            original_status_code: None,
        }
    }

    /// Writes a log line with the client's RequestId: a warning if the containers or the endpoint
    /// failed, else an info, with the deciding policies. `place` is the request's target.
    pub(super) fn log(&self, place: impl std::fmt::Display, request_id: &Uuid) {
        if log::log_enabled!(self.level()) {
            log::log!(self.level(), "{}", self.line(&place.to_string(), request_id));
        }
    }

    fn level(&self) -> log::Level {
        let is_ours = self.status.as_u16() == 424 || self.status.is_server_error();
        if is_ours { log::Level::Warn } else { log::Level::Info }
    }

    fn line(&self, place: &str, request_id: &Uuid) -> String {
        let mut message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let decided_by = self.decided_by.as_ref().map(|decided_by| format!("; {decided_by}")).unwrap_or_default();
        if !decided_by.is_empty() && message.ends_with('.') {
            message.pop();
        }
        format!(
            "{}, request {request_id}: {} ({}): {}{}",
            shortened(place.to_owned(), MAX_LINE_LENGTH),
            self.kind.unwrap_or("error"),
            self.status.as_u16(),
            shortened(message, MAX_LINE_LENGTH),
            shortened(decided_by, MAX_REASON_LENGTH)
        )
    }

    /// The request is invalid.
    pub(super) fn validation(message: impl Into<String>) -> AwsError {
        AwsError::new(StatusCode::BAD_REQUEST, Some("ValidationError"), message)
    }

    /// There is no endpoint of that name (amazon-sagemaker-examples#293).
    pub(super) fn no_such_endpoint<'a>(
        name: &str,
        account: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> AwsError {
        let message = format!("Endpoint {name} of account {account} not found.");
        // Names of endpoints are only for the log.
        let there_are =
            format!("{}expected {}", suggest::did_you_mean(name, known.clone()), suggest::listed(name, known));
        AwsError {
            decided_by: Some(there_are.into()),
            error_code: Some("NO_SUCH_ENDPOINT"),
            ..AwsError::validation(message)
        }
    }

    /// The caller is not authenticated or not authorized.
    pub(super) fn refused(refusal: &Refusal) -> AwsError {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
        AwsError {
            decided_by: refusal.decided_by().map(Into::into),
            ..AwsError::new(status, Some(refusal.exception()), refusal.to_string())
        }
    }

    /// Too many requests at once.
    pub(super) fn throttled(message: impl Into<String>) -> AwsError {
        AwsError::new(StatusCode::BAD_REQUEST, Some("ThrottlingException"), message)
    }

    /// The endpoint cannot answer now.
    pub(super) fn service_unavailable(message: impl Into<String>) -> AwsError {
        AwsError::new(StatusCode::SERVICE_UNAVAILABLE, Some("ServiceUnavailable"), message)
    }

    /// Other requests hold the memory that this one needs.
    pub(super) fn no_memory() -> AwsError {
        AwsError::service_unavailable("Other requests use all memory for bodies and responses; try again.")
    }

    /// The endpoint itself failed.
    pub(super) fn internal() -> AwsError {
        AwsError::new(StatusCode::INTERNAL_SERVER_ERROR, Some("InternalFailure"), "The endpoint failed.")
    }

    /// The request is for a host name that is not the endpoint's (RFC 9110 section 15.5.20).
    pub(super) fn misdirected(message: impl Into<String>) -> AwsError {
        AwsError::new(StatusCode::MISDIRECTED_REQUEST, Some("MisdirectedRequestException"), message)
    }

    /// The body is larger than `limit` bytes. The service names no exception here (sagemaker-python-sdk#171).
    pub(super) fn payload_too_large(limit: usize) -> AwsError {
        AwsError::new(StatusCode::PAYLOAD_TOO_LARGE, None, format!("HTTP content length exceeded {limit} bytes."))
    }

    /// The path does not exist.
    pub(super) fn unknown_path(path: &str) -> AwsError {
        AwsError::unknown_operation(format!(
            "{path} is not a path of this endpoint; use POST /endpoints/NAME/invocations."
        ))
    }

    /// The operation does not exist.
    pub(super) fn unknown_operation(message: impl Into<String>) -> AwsError {
        AwsError::new(StatusCode::NOT_FOUND, Some("UnknownOperationException"), message)
    }

    /// The operation of a JSON protocol does not exist; these protocols have no 404.
    pub(super) fn unknown_target(message: impl Into<String>) -> AwsError {
        AwsError { status: StatusCode::BAD_REQUEST, ..AwsError::unknown_operation(message) }
    }

    /// The path exists, the method does not.
    pub(super) fn method_not_allowed(method: &str, path: &str) -> AwsError {
        let message = format!("{path} does not take {method}.");
        AwsError::new(StatusCode::METHOD_NOT_ALLOWED, Some("MethodNotAllowedException"), message)
    }

    /// The error for an invocation that failed in the containers.
    pub(super) fn from_invocation_error(failure: &InvocationError, identity: &Identity, request_id: &Uuid) -> AwsError {
        let endpoint = &identity.endpoint;
        match failure {
            // amazon-sagemaker-examples#1026 and #1216.
            InvocationError::TargetModelNotSupported => AwsError {
                error_code: Some("TARGET_MODEL_HEADER_NOT_SUPPORTED"),
                ..AwsError::validation(format!(
                    "Endpoint {endpoint} is not a multi-model endpoint and does not support target model header."
                ))
            },
            // These three are validation errors: docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html.
            // Their exact wording is not public.
            InvocationError::TargetContainerMissing => AwsError::validation(format!(
                "Request {request_id} is missing a target container hostname header; the containers of endpoint \
                 {endpoint} are in Direct mode."
            )),
            InvocationError::TargetContainerNotSupported => AwsError::validation(format!(
                "Endpoint {endpoint} is not configured for direct invocation and does not support target container \
                 hostname header."
            )),
            InvocationError::NoSuchContainer { hostname, known } => AwsError::validation(format!(
                "Container {hostname} of endpoint {endpoint} not found; it has {}.",
                known.join(", ")
            )),
            // sagemaker-tensorflow-serving-container#166.
            InvocationError::TargetModelMissing => {
                // The response has AWS's text; the log names the header.
                let header = "expected the header X-Amzn-SageMaker-Target-Model, TargetModel in the API";
                AwsError {
                    decided_by: Some(header.into()),
                    ..AwsError::validation(format!("Request {request_id} is missing a target model header."))
                }
            }
            // The wording of the same failure at endpoint creation (mlflow#2573).
            InvocationError::NoSuchModel { container, url } => AwsError::validation(format!(
                "Failed to download model data for container \"{container}\" from URL: \"{url}\". Please ensure that \
                 there is an object located at the URL and that the role passed to CreateModel has permissions to \
                 download the object."
            )),
            InvocationError::BadArtifact { container, url, reason } => AwsError::validation(format!(
                "Failed to extract model data archive for container \"{container}\" from URL: \"{url}\". Please ensure \
                 that the object located at the URL is a valid tar.gz archive: {}",
                chain(reason)
            )),
            InvocationError::DiskTooSmall { container, url, .. } => AwsError::validation(format!(
                "Failed to download model data for container \"{container}\" from URL: \"{url}\". The model is larger \
                 than the disk space of the endpoint: {failure}"
            )),
            InvocationError::StoreUnavailable { container, url, reason } => {
                let message = chain(reason);
                log::warn!("request {request_id}: {url}: {message}");
                AwsError::service_unavailable(format!(
                    "Failed to download model data for container \"{container}\" from URL: \"{url}\". The store could \
                     not be reached or broke off: {message}"
                ))
            }
            InvocationError::ModelNotReady { target_model, waited } => AwsError::new(
                StatusCode::TOO_MANY_REQUESTS,
                Some("ModelNotReadyException"),
                format!("Model {target_model} is still being loaded after {} s; try again.", waited.as_secs()),
            ),
            InvocationError::Internal(reason) => {
                log::error!("request {request_id}: {}", chain(reason));
                let message = format!("The endpoint failed; its log has the reason under request {request_id}.");
                AwsError::new(StatusCode::INTERNAL_SERVER_ERROR, Some("InternalFailure"), message)
            }
            InvocationError::NoMemory => AwsError::no_memory(),
            InvocationError::EndpointFailed { reason } => {
                AwsError::service_unavailable(format!("Endpoint {endpoint} is Failed. {reason}"))
            }
            InvocationError::Container { container, what } => AwsError::model_error(container, what, identity),
        }
    }

    fn model_error(container: &str, what: &ContainerError, identity: &Identity) -> AwsError {
        let look = identity.where_to_look();
        let (status, message, original) = match what {
            ContainerError::Status(status, body) => {
                let body = String::from_utf8_lossy(body);
                (*status, received(*status, container, &body, &look), body.into_owned())
            }
            // sagemaker-python-sdk#4395.
            ContainerError::BodyTooLarge(status, limit) => (
                *status,
                format!(
                    "Received {} ({status}) from {container} and could not load the entire response body. {look}",
                    class(*status)
                ),
                format!("The response body is larger than {limit} bytes."),
            ),
            // docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html
            ContainerError::HandOverTooLarge { status, next, bytes, limit } => {
                let original = format!(
                    "Received response from {container} with status code {status}. However, the request payload from \
                     {container} to {next} is {bytes} bytes, which has exceeded the maximum limit of {}.",
                    size(*limit)
                );
                (*status, format!("{original} {look}"), original)
            }
            ContainerError::TimedOut => no_status(
                container,
                &look,
                format!(
                    "Your invocation timed out while waiting for a response from container {container}. Review the \
                     latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
                ),
            ),
            // amazon-sagemaker-examples#2815 has the first two sentences.
            ContainerError::NoAnswer(why) => no_status(
                container,
                &look,
                format!(
                    "Amazon SageMaker could not get a response from the {} endpoint. This can occur when CPU or memory \
                     utilization is high. The connection to the container failed: {why}.",
                    identity.endpoint
                ),
            ),
            ContainerError::Ended(how) => no_status(
                container,
                &look,
                format!("Container {container} does not run: {how}. Its log lines say why; it is being started again."),
            ),
        };
        AwsError {
            error_code: Some(if (400..500).contains(&status) {
                "CLIENT_ERROR_FROM_MODEL"
            } else {
                "INTERNAL_FAILURE_FROM_MODEL"
            }),
            log_stream_arn: Some(identity.log_group_arn().into()),
            original_message: Some(shortened(original, MAX_MESSAGE_LENGTH)),
            original_status_code: Some(status),
            ..AwsError::new(StatusCode::FAILED_DEPENDENCY, Some("ModelError"), message)
        }
    }

    /// The response body.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // A structure of strings and a number always serializes.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The exception's name, if it has one.
    pub(super) fn kind(&self) -> Option<&'static str> {
        self.kind
    }

    /// The text for the caller.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status of the response.
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The response, with its request's id.
    pub(super) fn respond(&self, request_id: HeaderValue) -> HttpResponse {
        let body = self.to_json();
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        response.insert_header((REQUEST_ID, request_id));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, HeaderValue::from_static(SECONDS_TO_WAIT)));
        }
        if let Some(kind) = self.kind {
            response.insert_header((ERROR_TYPE, HeaderValue::from_static(kind)));
        }
        response.body(body)
    }
}

/// A container without a response counts as one with status 0.
fn no_status(container: &str, look: &str, original: String) -> (u16, String, String) {
    (0, received(0, container, &original, look), original)
}

/// The sentence about a container's response, which is shortened so that the sentence stays complete.
fn received(status: u16, container: &str, body: &str, look: &str) -> String {
    let before = format!("Received {} ({status}) from {container} with message \"", class(status));
    let after = format!("\". {look}");
    let available = MAX_MESSAGE_LENGTH.saturating_sub(before.chars().count() + after.chars().count());
    format!("{before}{}{after}", shortened(body.to_owned(), available))
}

/// A size as AWS writes it if it is a whole number of megabytes.
fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{} MB", bytes >> 20) } else { format!("{bytes} bytes") }
}

fn class(status: u16) -> &'static str {
    if (400..500).contains(&status) { "client error" } else { "server error" }
}

/// The first `most` characters.
fn shortened(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
#[path = "aws_error_test.rs"]
mod tests;

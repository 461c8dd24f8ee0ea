//! The headers of InvokeEndpoint, and their conversion between two versions of `http`: actix-web uses 0.2, reqwest 1.
//!
//! Names are those of botocore's `data/sagemaker-runtime/2017-05-13/service-2.json`.

use actix_web::http::header::{self as client, HeaderMap as ClientHeaders};
use reqwest::header::{self as container, HeaderMap as ContainerHeaders};

use super::sessions::SessionRequest;
use crate::http::list_header::list_header;

/// The prefix of the headers of the API's parameters.
const PARAMETER_PREFIX: &str = "x-amzn-sagemaker-";

pub(super) const TARGET_MODEL: &str = "x-amzn-sagemaker-target-model";
pub(super) const TARGET_VARIANT: &str = "x-amzn-sagemaker-target-variant";
pub(super) const TARGET_CONTAINER_HOSTNAME: &str = "x-amzn-sagemaker-target-container-hostname";
pub(super) const SESSION_ID: &str = "x-amzn-sagemaker-session-id";
pub(super) const NEW_SESSION_ID: &str = "x-amzn-sagemaker-new-session-id";
pub(super) const CLOSED_SESSION_ID: &str = "x-amzn-sagemaker-closed-session-id";
pub(super) const INFERENCE_COMPONENT: &str = "x-amzn-sagemaker-inference-component";
pub(super) const INVOKED_PRODUCTION_VARIANT: client::HeaderName =
    client::HeaderName::from_static("x-amzn-invoked-production-variant");
pub(super) const REQUEST_ID: client::HeaderName = client::HeaderName::from_static("x-amzn-requestid");
pub(super) const ERROR_TYPE: client::HeaderName = client::HeaderName::from_static("x-amzn-errortype");

/// The longest values of forwarded headers by botocore's model, which boto3 does not enforce.
pub(super) const BOUNDED: [(&str, &str, usize); 2] = [
    ("x-amzn-sagemaker-custom-attributes", "customAttributes", 1024),
    ("x-amzn-sagemaker-inference-id", "inferenceId", 64),
];

/// The request headers that are forwarded to every container; others are dropped, as on SageMaker.
const PASSED: [container::HeaderName; 3] = [
    container::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
    container::HeaderName::from_static("x-amzn-sagemaker-inference-id"),
    container::HeaderName::from_static("x-amzn-sagemaker-session-id"),
];

/// What a client is passed of an answer beside its Content-Type, under which name. A new session has two names in AWS's
/// own containers: DJL answers with the request's, aws/model-hosting-container-standards with the one that the API
/// models.
const RETURNED: [(container::HeaderName, client::HeaderName); 4] = [
    (
        container::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
        client::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
    ),
    (
        container::HeaderName::from_static(SESSION_ID),
        client::HeaderName::from_static("x-amzn-sagemaker-new-session-id"),
    ),
    (
        container::HeaderName::from_static("x-amzn-sagemaker-new-session-id"),
        client::HeaderName::from_static("x-amzn-sagemaker-new-session-id"),
    ),
    (
        container::HeaderName::from_static("x-amzn-sagemaker-closed-session-id"),
        client::HeaderName::from_static("x-amzn-sagemaker-closed-session-id"),
    ),
];

/// Converts a request header for a container. Several lines of Accept are joined.
pub(super) fn to_container(headers: &ClientHeaders, name: &client::HeaderName) -> Option<container::HeaderValue> {
    // Both crates accept the same bytes.
    container::HeaderValue::from_bytes(&list_header(headers, name)?).ok()
}

/// The headers of a request that are forwarded to every container.
pub(super) fn passed(headers: &ClientHeaders) -> ContainerHeaders {
    let mut passed = ContainerHeaders::new();
    for name in PASSED {
        let value = headers.get(name.as_str()).map(|value| container::HeaderValue::from_bytes(value.as_bytes()));
        if let Some(Ok(value)) = value {
            passed.insert(name, value);
        }
    }
    passed
}

/// The Content-Type of a response.
pub(super) fn content_type(headers: &ContainerHeaders) -> Option<client::HeaderValue> {
    client::HeaderValue::from_bytes(headers.get(container::CONTENT_TYPE)?.as_bytes()).ok()
}

/// The response headers that are returned to a client. A session id counts as new only if the client asked for one:
/// some containers repeat it in every response.
pub(super) fn returned(
    headers: &ContainerHeaders,
    asked: SessionRequest<'_>,
) -> impl Iterator<Item = (client::HeaderName, client::HeaderValue)> {
    RETURNED
        .into_iter()
        .filter(move |(from, _)| from != SESSION_ID || asked == SessionRequest::New)
        .filter_map(|(from, to)| Some((to, client::HeaderValue::from_bytes(headers.get(from)?.as_bytes()).ok()?)))
}

/// The parameter of the API that a request gives more than once, if there is one; `content_type` is the header that has
/// the content type for the container.
///
/// Each parameter is a single text (botocore's model), for which there is one header. HTTP would join two of a name
/// with a comma (RFC 9110 section 5.3), as a signature does
/// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, "CanonicalHeaders"), a policy
/// would be checked against one of them, and a container would see one or both. Refusing the second keeps them from
/// disagreeing. The exception is Accept itself, which HTTP defines as a list: its lines are joined.
pub(super) fn repeated_parameter<'a>(
    headers: &'a ClientHeaders,
    content_type: &client::HeaderName,
) -> Option<&'a client::HeaderName> {
    let is_parameter = |name: &client::HeaderName| name == content_type || name.as_str().starts_with(PARAMETER_PREFIX);
    headers.keys().find(|name| is_parameter(name) && headers.get_all(*name).nth(1).is_some())
}

/// A header of a request as text, if it is there.
pub(super) fn text<'a>(headers: &'a ClientHeaders, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

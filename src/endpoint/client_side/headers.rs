//! The headers of InvokeEndpoint, and the way between the two `http` crates: actix-web is on 0.2, reqwest on 1.
//!
//! Names are those of botocore's `data/sagemaker-runtime/2017-05-13/service-2.json`.

use actix_web::http::header::{self as client, HeaderMap as ClientHeaders};
use reqwest::header::{self as container, HeaderMap as ContainerHeaders};

pub(super) const TARGET_MODEL: &str = "x-amzn-sagemaker-target-model";
pub(super) const TARGET_VARIANT: &str = "x-amzn-sagemaker-target-variant";
pub(super) const TARGET_CONTAINER_HOSTNAME: &str = "x-amzn-sagemaker-target-container-hostname";
pub(super) const INFERENCE_COMPONENT: &str = "x-amzn-sagemaker-inference-component";
pub(super) const INVOKED_PRODUCTION_VARIANT: client::HeaderName =
    client::HeaderName::from_static("x-amzn-invoked-production-variant");
pub(super) const REQUEST_ID: client::HeaderName = client::HeaderName::from_static("x-amzn-requestid");
pub(super) const ERROR_TYPE: client::HeaderName = client::HeaderName::from_static("x-amzn-errortype");

/// What every container is passed of a request; anything else that a client sends is dropped, as the platform does.
const PASSED: [container::HeaderName; 3] = [
    container::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
    container::HeaderName::from_static("x-amzn-sagemaker-inference-id"),
    container::HeaderName::from_static("x-amzn-sagemaker-session-id"),
];

/// What a client is passed of an answer, under which name. A new session has two names in AWS's own containers: DJL
/// answers with the request's, aws/model-hosting-container-standards with the one that the API models.
const RETURNED: [(container::HeaderName, client::HeaderName); 5] = [
    (container::CONTENT_TYPE, client::CONTENT_TYPE),
    (
        container::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
        client::HeaderName::from_static("x-amzn-sagemaker-custom-attributes"),
    ),
    (
        container::HeaderName::from_static("x-amzn-sagemaker-session-id"),
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

/// One header of a request, for a container.
pub(super) fn to_container(headers: &ClientHeaders, name: client::HeaderName) -> Option<container::HeaderValue> {
    // Both crates take the same bytes, so that nothing is lost.
    container::HeaderValue::from_bytes(headers.get(name)?.as_bytes()).ok()
}

/// The headers of a request that every container is passed.
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

/// The headers of an answer that a client is passed.
pub(super) fn returned(
    headers: &ContainerHeaders,
) -> impl Iterator<Item = (client::HeaderName, client::HeaderValue)> + '_ {
    RETURNED
        .into_iter()
        .filter_map(|(from, to)| Some((to, client::HeaderValue::from_bytes(headers.get(from)?.as_bytes()).ok()?)))
}

/// A header of a request as text, if it is there.
pub(super) fn text<'a>(headers: &'a ClientHeaders, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

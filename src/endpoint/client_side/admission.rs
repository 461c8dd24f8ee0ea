//! Whether a request is let in: between the web framework and `authorization`, which knows none.

use std::time::SystemTime;

use actix_web::HttpRequest;

use super::authorization::{Call, SignedRequest};
use super::aws_error::AwsError;
use super::headers;
use super::invocation::Operation;
use super::services::Services;

/// Lets a request in, or says why not. Before anything else: who may not call is not told what there is.
pub(super) fn admit(
    services: &Services,
    request: &HttpRequest,
    operation: &Operation,
    endpoint: &str,
    body: Result<&[u8], &AwsError>,
) -> Result<(), AwsError> {
    let Some(authorization) = &services.authorization else { return Ok(()) };
    // A body that is not whole cannot be checked.
    let body = body.map_err(AwsError::clone)?;
    let (region, account) = services.region_and_account(endpoint);
    let given = request.headers();
    let all: Vec<(&str, &[u8])> = given.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let signed = SignedRequest {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: &all,
        body,
        received: SystemTime::now(),
    };
    // A header that the operation does not have says nothing, and so satisfies no condition.
    let target_model = operation.target_model.and_then(|name| headers::text(given, name));
    let target_container_hostname = headers::text(given, headers::TARGET_CONTAINER_HOSTNAME);
    let call = Call {
        action: operation.action,
        region,
        account,
        endpoint,
        target_model: target_model.as_deref(),
        target_container_hostname: target_container_hostname.as_deref(),
    };
    authorization.check(&signed, &call).map(drop).map_err(|refusal| AwsError::refused(&refusal))
}

#[cfg(test)]
#[path = "admission_test.rs"]
mod tests;

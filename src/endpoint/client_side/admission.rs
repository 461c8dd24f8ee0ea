//! Admits requests and reads their bodies: connects the web framework and `authorization`, which knows no framework.

use std::time::SystemTime;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Payload};

use super::authorization::{ActionRequest, Authorization, Checked, SignedRequest};
use super::aws_error::AwsError;
use super::body::Incoming;
use super::headers;
use super::invocation::{Operation, Waits};
use super::services::Services;

/// Admits a request and reads its body, before anything else: an unauthorized caller does not learn what exists,
/// and errors in the head are found before more than a page of the body is read.
///
/// The outer error is the response to a refused caller. The inner one is an error of the body alone; errors of
/// the headers are reported before it.
pub(super) async fn admit(
    services: &Services,
    request: &HttpRequest,
    operation: &Operation,
    endpoint: &str,
    payload: Payload,
) -> Result<Result<Bytes, AwsError>, AwsError> {
    let memory = match operation.waits {
        Waits::Client => services.memory.bodies(),
        Waits::Queue => services.memory.queued(),
    };
    let incoming = Incoming::new(request, payload.into_inner(), &services.limits, memory);
    if let Some(repeated) = headers::repeated_parameter(request.headers(), &operation.content_type) {
        let error = AwsError::validation(format!("Header {repeated} is given more than once; give it once."));
        incoming.drop_if_small().await;
        return Err(error);
    }
    let Some(authorization) = &services.authorization else { return Ok(incoming.take().await) };
    let head = Head::of(request);
    let checked = match head.check(authorization, services, operation, endpoint) {
        Ok(checked) => checked,
        Err(error) => {
            incoming.drop_if_small().await;
            return Err(error);
        }
    };
    if !checked.is_allowed() {
        // An unverified caller must not learn the policies' decision, so the body is needed for the digest, but not
        // kept.
        let digest = incoming.digest().await?;
        return Err(head.check_body(checked, &digest).err().unwrap_or_else(AwsError::internal));
    }
    match incoming.take_with_digest().await {
        Ok((body, digest)) => head.check_body(checked, &digest).map(|()| Ok(body)),
        // An incomplete body cannot be verified. A caller with a verified head may get the error of the body.
        Err(error) if checked.is_signed() => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// The parts of a request that a signature covers beside the body.
struct Head<'a> {
    request: &'a HttpRequest,
    headers: Vec<(&'a str, &'a [u8])>,
    received: SystemTime,
}

impl<'a> Head<'a> {
    fn of(request: &'a HttpRequest) -> Head<'a> {
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        Head { request, headers, received: SystemTime::now() }
    }

    fn signed(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: self.request.method().as_str(),
            path: self.request.uri().path(),
            query: self.request.uri().query().unwrap_or_default(),
            headers: &self.headers,
            received: self.received,
        }
    }

    fn check<'b>(
        &self,
        authorization: &'b Authorization,
        services: &Services,
        operation: &Operation,
        endpoint: &str,
    ) -> Result<Checked<'b>, AwsError> {
        let (region, account) = services.region_and_account(endpoint);
        let given: &HeaderMap = self.request.headers();
        // A header that the operation does not have is ignored and satisfies no condition.
        let target_model = operation.target_model.and_then(|name| headers::text(given, name));
        let target_container_hostname = headers::text(given, headers::TARGET_CONTAINER_HOSTNAME);
        let call = ActionRequest {
            action: operation.action,
            region,
            account,
            endpoint,
            target_model: target_model.as_deref(),
            target_container_hostname: target_container_hostname.as_deref(),
        };
        authorization.check_head(&self.signed(), &call).map_err(|refusal| AwsError::refused(&refusal))
    }

    fn check_body(&self, checked: Checked<'_>, digest: &[u8; 32]) -> Result<(), AwsError> {
        checked.check_body(&self.signed(), digest).map(drop).map_err(|refusal| AwsError::refused(&refusal))
    }
}

#[cfg(test)]
#[path = "admission_test.rs"]
mod tests;

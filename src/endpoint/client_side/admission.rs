//! Whether a request is let in: between the web framework and `authorization`, which knows none.

use std::time::SystemTime;

use actix_web::HttpRequest;

use super::authorization::{Authorization, Call, INVOKE_ENDPOINT, Refusal, SignedRequest};
use super::headers;
use crate::endpoint::identity::Identity;

/// Lets an invocation of `endpoint` in, or says why not.
pub(super) fn admit(
    authorization: &Authorization,
    identity: &Identity,
    request: &HttpRequest,
    endpoint: &str,
    body: &[u8],
) -> Result<(), Refusal> {
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
    let target_model = headers::text(given, headers::TARGET_MODEL);
    let target_container_hostname = headers::text(given, headers::TARGET_CONTAINER_HOSTNAME);
    let call = Call {
        action: INVOKE_ENDPOINT,
        region: &identity.region,
        account: &identity.account,
        endpoint,
        target_model: target_model.as_deref(),
        target_container_hostname: target_container_hostname.as_deref(),
    };
    authorization.check(&signed, &call).map(drop)
}

#[cfg(test)]
#[path = "admission_test.rs"]
mod tests;

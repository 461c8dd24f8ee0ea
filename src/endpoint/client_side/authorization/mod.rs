//! Authentication and authorization: SigV4 signatures and IAM policies, as AWS checks them before a call reaches
//! SageMaker.
//!
//! `principals` reads the file of principals, strictly (`document`); `signature` verifies who sent a request
//! (`authorization_header` holds its claims); `policy` decides whether that principal is authorized, with `condition`,
//! `pattern` and the values of `context`. `refusal` is the table of AWS's error names, statuses and messages.
//!
//! This module knows no web framework, container or clock: a request is text and bytes with its time of arrival.

mod authorization_header;
mod condition;
mod context;
mod document;
mod node;
mod pattern;
mod policy;
mod principals;
mod refusal;
mod signature;
#[cfg(test)]
mod testing;

use std::time::SystemTime;

use context::Context;
use policy::Decision;
pub use principals::{Principal, Principals};
pub use refusal::Refusal;
use signature::Payload;
pub use signature::Sha256Digest;

/// The action behind `POST /endpoints/{EndpointName}/invocations`
/// (docs.aws.amazon.com/service-authorization/latest/reference/list_sagemaker.html), and behind
/// `…/invocations-response-stream`
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html).
pub const INVOKE_ENDPOINT: &str = "sagemaker:InvokeEndpoint";
/// The action behind `POST /endpoints/{EndpointName}/async-invocations`, from the first of these pages.
pub const INVOKE_ENDPOINT_ASYNC: &str = "sagemaker:InvokeEndpointAsync";

/// The head of an HTTP request as received: the part that a signature covers beside the body.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as on the wire, still percent-encoded; it starts with `/`.
    pub path: &'a str,
    /// The query as on the wire, without its `?`; empty if there is none.
    pub query: &'a str,
    /// All headers with their values, in order; a name may occur more than once, in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// When the request arrived.
    pub received: SystemTime,
}

/// The requested action on an endpoint, with the values that conditions can use.
#[derive(Clone, Copy, Debug)]
pub struct ActionRequest<'a> {
    /// The action, such as [`INVOKE_ENDPOINT`].
    pub action: &'a str,
    /// The endpoint's region.
    pub region: &'a str,
    /// The endpoint's account.
    pub account: &'a str,
    /// EndpointName, as the client wrote it.
    pub endpoint: &'a str,
    /// TargetModel as the client wrote it, if it named one.
    pub target_model: Option<&'a str>,
    /// TargetContainerHostname, if the client named one.
    pub target_container_hostname: Option<&'a str>,
}

impl ActionRequest<'_> {
    /// The endpoint's ARN. SageMaker writes names in lower case there, and policies are compared with that
    /// (philschmid/cdk-samples#2).
    fn resource(&self, partition: &str) -> String {
        let ActionRequest { region, account, endpoint, .. } = self;
        format!("arn:{partition}:sagemaker:{region}:{account}:endpoint/{}", endpoint.to_ascii_lowercase())
    }
}

/// Checks requests against the principals and their policies.
#[derive(Debug)]
pub struct Authorization {
    principals: Principals,
}

impl Authorization {
    /// An authorization with these principals.
    pub fn new(principals: Principals) -> Authorization {
        Authorization { principals }
    }

    /// The principals.
    pub fn principals(&self) -> &Principals {
        &self.principals
    }

    /// Checks the head of a request before its body has arrived.
    ///
    /// # Errors
    /// A [`Refusal`] with the status, the exception and the words that AWS has for it: whatever is wrong with the head,
    /// the signature too if the head names the body's digest, and then also what policies say.
    pub fn check_head(&self, request: &SignedRequest<'_>, call: &ActionRequest<'_>) -> Result<Checked<'_>, Refusal> {
        let signed = signature::verify_head(request, &self.principals)?;
        let principal = signed.principal;
        let denied = denied(principal, call, signed.region);
        match (signed.payload, denied) {
            (Payload::HasDigest(_), Some(refusal)) => Err(refusal),
            (payload, denied) => Ok(Checked { principal, payload, denied }),
        }
    }
}

/// Why a principal is not authorized, if so.
fn denied(principal: &Principal, call: &ActionRequest<'_>, requested_region: &str) -> Option<Refusal> {
    let context = Context { principal, call, requested_region };
    let resource = call.resource(principal.partition());
    let explicitly = match policy::decide(principal.policies(), call.action, &resource, &context) {
        Decision::Allow => return None,
        Decision::ExplicitDeny => true,
        Decision::ImplicitDeny => false,
    };
    let decided_by = policy::why_denied(principal.policies(), call.action, &resource, &context);
    let (principal, action) = (principal.arn().to_owned(), call.action.to_owned());
    Some(Refusal::AccessDenied { principal, action, resource, explicitly, decided_by })
}

/// A request whose head is valid; its body must still be verified.
#[derive(Debug)]
pub struct Checked<'a> {
    principal: &'a Principal,
    payload: Payload,
    denied: Option<Refusal>,
}

impl<'a> Checked<'a> {
    /// Whether the request is allowed, so that its body will be used. A denial is reported only to a verified caller,
    /// not before the digest of the body is known.
    pub fn is_allowed(&self) -> bool {
        self.denied.is_none()
    }

    /// Whether the signature is verified already.
    pub fn is_signed(&self) -> bool {
        matches!(self.payload, Payload::HasDigest(_))
    }

    /// The principal that signed `request`, given the digest of its body.
    ///
    /// # Errors
    /// As [`Authorization::check_head`].
    pub fn check_body(self, request: &SignedRequest<'_>, digest: &Sha256Digest) -> Result<&'a Principal, Refusal> {
        match self.payload {
            // To S3 that is XAmzContentSHA256Mismatch (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
            // Other services ignore the header; for them the signature does not match.
            Payload::HasDigest(named) if named != *digest => return Err(Refusal::SignatureDoesNotMatch),
            Payload::HasDigest(_) => {}
            Payload::Unknown => signature::verify_whole(request, self.principal, digest)?,
        }
        self.denied.map_or(Ok(self.principal), Err)
    }
}

#[cfg(test)]
#[path = "authorization_test.rs"]
mod tests;

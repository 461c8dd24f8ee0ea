//! Who may call what: SigV4 signatures and IAM policies, as AWS checks them before a call reaches SageMaker.
//!
//! `principals` reads the file that says who there is, strictly (`document`); `signature` finds out who sent a request (`authorization_header`
//! is what it claims); `policy` decides whether that principal may do it, with `condition`, `pattern` and the values that
//! `context` knows. `refusal` is the one table of AWS's error names, statuses and words.
//!
//! Nothing here knows a web framework, a container or a clock: a request is text and bytes with the time it came at.

mod authorization_header;
mod condition;
mod context;
mod document;
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

/// The action behind `POST /endpoints/{EndpointName}/invocations`
/// (docs.aws.amazon.com/service-authorization/latest/reference/list_sagemaker.html), and behind `…/invocations-response-stream`
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html).
pub const INVOKE_ENDPOINT: &str = "sagemaker:InvokeEndpoint";
/// The action behind `POST /endpoints/{EndpointName}/async-invocations`, from the first of these pages.
pub const INVOKE_ENDPOINT_ASYNC: &str = "sagemaker:InvokeEndpointAsync";

/// An HTTP request as it was received: what a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as on the wire, still percent-encoded; it starts with `/`.
    pub path: &'a str,
    /// The query as on the wire, without its `?`; empty if there is none.
    pub query: &'a str,
    /// All headers with their values, in the order they came; a name may be there more than once, in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
    /// When the request came.
    pub received: SystemTime,
}

/// What a request asks for: an action on an endpoint, and what policies can make conditions of.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The action, such as [`INVOKE_ENDPOINT`].
    pub action: &'a str,
    /// The endpoint's region.
    pub region: &'a str,
    /// The endpoint's account.
    pub account: &'a str,
    /// EndpointName, as the client wrote it.
    pub endpoint: &'a str,
    /// TargetModel, if the client named one.
    pub target_model: Option<&'a str>,
    /// TargetContainerHostname, if the client named one.
    pub target_container_hostname: Option<&'a str>,
}

impl Call<'_> {
    /// The endpoint's ARN. SageMaker writes names in lower case there, and policies are held against that
    /// (philschmid/cdk-samples#2).
    fn resource(&self, partition: &str) -> String {
        let Call { region, account, endpoint, .. } = self;
        format!("arn:{partition}:sagemaker:{region}:{account}:endpoint/{}", endpoint.to_ascii_lowercase())
    }
}

/// The door: who there is, and what each may do.
#[derive(Debug)]
pub struct Authorization {
    principals: Principals,
}

impl Authorization {
    /// A door for these principals.
    pub fn new(principals: Principals) -> Authorization {
        Authorization { principals }
    }

    /// The principals it knows.
    pub fn principals(&self) -> &Principals {
        &self.principals
    }

    /// The principal that signed `request`, if its policies let it do what `call` says.
    ///
    /// # Errors
    /// A [`Refusal`] with the status, the exception and the words that AWS has for it.
    pub fn check(&self, request: &SignedRequest<'_>, call: &Call<'_>) -> Result<&Principal, Refusal> {
        let signed = signature::verify(request, &self.principals)?;
        let principal = signed.principal;
        let context = Context { principal, call, requested_region: signed.region };
        let resource = call.resource(principal.partition());
        let denied = |explicitly| Refusal::AccessDenied {
            principal: principal.arn().to_owned(),
            action: call.action.to_owned(),
            resource: resource.clone(),
            explicitly,
        };
        match policy::decide(principal.policies(), call.action, &resource, &context) {
            Decision::Allow => Ok(principal),
            Decision::ExplicitDeny => Err(denied(true)),
            Decision::ImplicitDeny => Err(denied(false)),
        }
    }
}

#[cfg(test)]
#[path = "authorization_test.rs"]
mod tests;

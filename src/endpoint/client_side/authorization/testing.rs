//! Helpers of the authorization tests: principals with policies, and calls.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::document::Findings;
use super::{ActionRequest, Authorization, Context, INVOKE_ENDPOINT, Principal, Principals, Refusal, SignedRequest};

pub(super) const ARN: &str = "arn:aws:sts::123456789012:assumed-role/NewYork/me";
pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// The file of one principal, as JSON to change.
pub(super) fn file(arn: &str, policies: Value) -> Value {
    json!({
        "Account": "123456789012",
        "Principals": [{"Arn": arn, "AccessKeyId": KEY, "SecretAccessKey": "secret", "Policies": policies}],
    })
}

/// Parses a file; returns its problems if there are any.
pub(super) fn read(file: &Value) -> Result<Principals, Vec<String>> {
    let mut findings = Findings::default();
    let principals = Principals::parse(&file.to_string(), &mut findings);
    if findings.problems.is_empty() { Ok(principals.unwrap()) } else { Err(findings.problems) }
}

/// A session of the role NewYork with one policy of one statement.
pub(super) fn with_statement(statement: Value) -> Principals {
    read(&file(ARN, json!([{"Version": "2012-10-17", "Statement": statement}]))).unwrap()
}

pub(super) fn the_one(principals: &Principals) -> &Principal {
    principals.with_access_key(KEY).unwrap()
}

/// InvokeEndpoint of the endpoint `housing`.
pub(super) fn call(target_model: Option<&str>) -> ActionRequest<'_> {
    ActionRequest {
        action: INVOKE_ENDPOINT,
        region: "us-east-1",
        account: "123456789012",
        endpoint: "housing",
        target_model,
        target_container_hostname: None,
    }
}

pub(super) fn context<'a>(principal: &'a Principal, call: &'a ActionRequest<'a>) -> Context<'a> {
    Context { principal, call, requested_region: "us-east-1" }
}

/// The final decision on a request whose body is complete.
pub(super) fn check<'a>(
    door: &'a Authorization,
    request: &SignedRequest<'_>,
    body: &[u8],
    call: &ActionRequest<'_>,
) -> Result<&'a Principal, Refusal> {
    door.check_head(request, call)?.check_body(request, &Sha256::digest(body).into())
}

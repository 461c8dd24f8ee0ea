use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};

use super::testing::{ARN, KEY, check, file, read};
use super::*;

const HOST: &str = "127.0.0.1:8080";

/// A client: what it sends, signed.
struct Client {
    key: &'static str,
    secret: &'static str,
    region: &'static str,
}

const NEW_YORK: Client = Client { key: KEY, secret: "secret", region: "us-east-1" };

impl Client {
    /// The decision when this client invokes `endpoint` with a TargetModel.
    fn invokes(&self, door: &Authorization, endpoint: &str, target_model: Option<&str>) -> Result<String, Refusal> {
        let path = format!("/endpoints/{endpoint}/invocations");
        let mut headers = vec![("host", HOST)];
        headers.extend(target_model.map(|target_model| ("x-amzn-sagemaker-target-model", target_model)));
        let identity = Credentials::new(self.key, self.secret, None, None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("sagemaker")
            .time(UNIX_EPOCH)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let body = SignableBody::Bytes(b"1,2\n");
        let signable = SignableRequest::new("POST", path.clone(), headers.clone().into_iter(), body).unwrap();
        let (signed, _) = sign(signable, &parameters).unwrap().into_parts();
        let all: Vec<(&str, &[u8])> =
            headers.into_iter().chain(signed.headers()).map(|(name, value)| (name, value.as_bytes())).collect();
        let request = SignedRequest { method: "POST", path: &path, query: "", headers: &all, received: UNIX_EPOCH };
        let call = ActionRequest {
            action: INVOKE_ENDPOINT,
            region: "us-east-1",
            account: "123456789012",
            endpoint,
            target_model,
            target_container_hostname: None,
        };
        check(door, &request, b"1,2\n", &call).map(|principal| principal.arn().to_owned())
    }
}

fn door(statement: Value) -> Authorization {
    Authorization::new(read(&file(ARN, json!([{"Version": "2012-10-17", "Statement": statement}]))).unwrap())
}

#[test]
fn a_principal_may_do_what_its_policies_allow_and_is_otherwise_denied_in_awss_words() {
    let door = door(json!([
        {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint",
         "Resource": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing",
         "Condition": {"StringLike": {"sagemaker:TargetModel": ["NewYork_NY/*", "Secret/*"]}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"StringLike": {"sagemaker:TargetModel": "Secret/*"}}},
    ]));
    assert_eq!(NEW_YORK.invokes(&door, "housing", Some("NewYork_NY/a.tar.gz")).as_deref(), Ok(ARN));

    let denied = NEW_YORK.invokes(&door, "housing", Some("Chicago_IL/a.tar.gz")).unwrap_err();
    assert_eq!((denied.status(), denied.exception()), (403, "AccessDeniedException"));
    assert_eq!(
        denied.to_string(),
        "User: arn:aws:sts::123456789012:assumed-role/NewYork/me is not authorized to perform: \
         sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing because no \
         identity-based policy allows the sagemaker:InvokeEndpoint action"
    );
    let denied = NEW_YORK.invokes(&door, "housing", Some("Secret/a.tar.gz")).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "User: arn:aws:sts::123456789012:assumed-role/NewYork/me is not authorized to perform: \
         sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing with an \
         explicit deny in an identity-based policy"
    );
    assert!(matches!(NEW_YORK.invokes(&door, "housing", None), Err(Refusal::AccessDenied { .. })));
    assert!(matches!(NEW_YORK.invokes(&door, "other", Some("NewYork_NY/a")), Err(Refusal::AccessDenied { .. })));
    // Endpoint names ignore case; ARNs have them in lower case.
    assert!(NEW_YORK.invokes(&door, "Housing", Some("NewYork_NY/a")).is_ok());
}

#[test]
fn a_caller_with_a_wrong_signature_does_not_learn_what_is_allowed() {
    let door = door(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    assert!(NEW_YORK.invokes(&door, "housing", None).is_ok());
    let wrong_secret = Client { secret: "guess", ..NEW_YORK };
    assert_eq!(wrong_secret.invokes(&door, "housing", None), Err(Refusal::SignatureDoesNotMatch));
    let unknown = Client { key: "AKIANOBODY", ..NEW_YORK };
    assert_eq!(unknown.invokes(&door, "housing", None), Err(Refusal::UnrecognizedClient));
}

#[test]
fn the_region_of_the_signature_is_the_requested_region() {
    let door = door(json!({"Effect": "Allow", "Action": "*", "Resource": "*",
                           "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}));
    assert!(NEW_YORK.invokes(&door, "housing", None).is_ok());
    let elsewhere = Client { region: "eu-west-1", ..NEW_YORK };
    assert!(matches!(elsewhere.invokes(&door, "housing", None), Err(Refusal::AccessDenied { explicitly: false, .. })));
}

#[test]
fn each_principal_has_its_own_policies() {
    let mut two = file(
        ARN,
        json!([{"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringLike": {"sagemaker:TargetModel": "NewYork_NY/*"}}}}]),
    );
    let mut other = two["Principals"][0].clone();
    other["Arn"] = "arn:aws:iam::123456789012:user/Chicago".into();
    other["AccessKeyId"] = "AKIACHICAGO".into();
    other["Policies"][0]["Statement"]["Condition"]["StringLike"]["sagemaker:TargetModel"] = "Chicago_IL/*".into();
    two["Principals"].as_array_mut().unwrap().push(other);
    let door = Authorization::new(read(&two).unwrap());
    let chicago = Client { key: "AKIACHICAGO", ..NEW_YORK };
    assert!(NEW_YORK.invokes(&door, "housing", Some("NewYork_NY/a")).is_ok());
    assert!(NEW_YORK.invokes(&door, "housing", Some("Chicago_IL/a")).is_err());
    assert!(chicago.invokes(&door, "housing", Some("Chicago_IL/a")).is_ok());
    let denied = chicago.invokes(&door, "housing", Some("NewYork_NY/a")).unwrap_err();
    assert!(denied.to_string().starts_with("User: arn:aws:iam::123456789012:user/Chicago is not"), "{denied}");
}

#[test]
fn every_refusal_has_a_status_and_a_name() {
    for (refusal, exception) in [
        (Refusal::MissingAuthenticationToken, "MissingAuthenticationTokenException"),
        (Refusal::IncompleteSignature("x".into()), "IncompleteSignatureException"),
        (Refusal::UnrecognizedClient, "UnrecognizedClientException"),
        (Refusal::ExpiredToken, "ExpiredTokenException"),
        (Refusal::SignatureDoesNotMatch, "InvalidSignatureException"),
        (Refusal::InvalidSignature("x".into()), "InvalidSignatureException"),
    ] {
        assert_eq!((refusal.status(), refusal.exception()), (403, exception));
    }
}

use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::endpoint::client_side::authorization::testing::{ARN, file, read};

const RECORDED: &str = include_str!("../../../../tests/fixtures/sigv4/recorded.json");
const PUBLISHED: &str = include_str!("../../../../tests/fixtures/sigv4/published.json");

#[derive(Deserialize)]
struct Fixture {
    requests: Vec<Recorded>,
}

/// A request and the keys it was signed with.
#[derive(Clone, Deserialize)]
struct Recorded {
    name: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    #[serde(default)]
    expiration: Option<String>,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body_hex: String,
}

fn fixture(text: &str) -> Vec<Recorded> {
    serde_json::from_str::<Fixture>(text).unwrap().requests
}

fn recorded(name: &str) -> Recorded {
    fixture(RECORDED).into_iter().find(|recorded| recorded.name == name).unwrap()
}

impl Recorded {
    fn principals(&self) -> Principals {
        let mut file = file(ARN, json!([]));
        let principal = &mut file["Principals"][0];
        principal["AccessKeyId"] = self.access_key_id.as_str().into();
        principal["SecretAccessKey"] = self.secret_access_key.as_str().into();
        principal["SessionToken"] = self.session_token.as_deref().into();
        principal["Expiration"] = self.expiration.as_deref().into();
        read(&file).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        &found.unwrap_or_else(|| panic!("{}: no {name}", self.name)).1
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn replace(&mut self, name: &str, from: &str, to: &str) {
        let value = self.header(name);
        assert!(value.contains(from), "{value}");
        let value = value.replace(from, to);
        self.set(name, &value);
    }

    /// The result of `verify` if it arrives `seconds` after it was signed.
    fn verify_after(&self, seconds: i64) -> Result<String, Refusal> {
        let headers: Vec<(&str, &[u8])> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let mut request = SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            received: SystemTime::UNIX_EPOCH,
        };
        let signed = signing_time(&request).map_or(Timestamp::UNIX_EPOCH, |time| time.instant);
        request.received = (signed + SignedDuration::from_secs(seconds)).into();
        let principals = self.principals();
        verify(&request, &bytes(&self.body_hex), &principals).map(|signed| {
            assert_eq!(signed.principal.arn(), ARN);
            signed.region.to_owned()
        })
    }
}

fn digest_of(body: &[u8]) -> Sha256Digest {
    Sha256::digest(body).into()
}

/// The decision on a request once its body has arrived.
fn verify<'principals, 'request>(
    request: &SignedRequest<'request>,
    body: &[u8],
    principals: &'principals Principals,
) -> Result<Signed<'principals, 'request>, Refusal> {
    let signed = verify_head(request, principals)?;
    let digest = digest_of(body);
    match signed.payload {
        Payload::HasDigest(named) if named == digest => {}
        Payload::HasDigest(_) => return Err(Refusal::SignatureDoesNotMatch),
        Payload::Unknown => verify_whole(request, signed.principal, &digest)?,
    }
    Ok(signed)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn requests_signed_by_awss_clients_are_accepted() {
    let all = fixture(RECORDED);
    assert!(all.len() >= 13);
    // One is refused for the headers that it does not sign; it has a separate test.
    for recorded in all.into_iter().filter(|recorded| recorded.name != "botocore with an unsigned payload") {
        let region = if recorded.name.contains("everything") { "eu-west-1" } else { "us-east-1" };
        assert_eq!(recorded.verify_after(0).as_deref(), Ok(region), "{}", recorded.name);
    }
}

#[test]
fn the_signatures_of_awss_test_suite_are_reproduced() {
    let all = fixture(PUBLISHED);
    assert_eq!(all.len(), 27);
    for published in all {
        let headers: Vec<(&str, &[u8])> = published.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = SignedRequest {
            method: &published.method,
            path: &published.path,
            query: &published.query,
            headers: &headers,
            received: SystemTime::UNIX_EPOCH,
        };
        let header = AuthorizationHeader::parse(published.header("authorization")).unwrap();
        let time = signing_time(&request).unwrap();
        // The suite's service is `service`, which `verify` would refuse, so the signature is computed directly.
        let credentials = Credentials::new(&published.access_key_id, &published.secret_access_key, None, None, "test");
        let made = signature(&request, &header, &time, &credentials, &digest_of(&bytes(&published.body_hex))).unwrap();
        assert_eq!(made, header.signature, "{}", published.name);
    }
}

#[test]
fn a_signed_part_of_a_request_cannot_be_changed() {
    let whole = recorded("boto3 with everything that InvokeEndpoint takes");
    let changed = |change: fn(&mut Recorded)| {
        let mut recorded = whole.clone();
        change(&mut recorded);
        recorded.verify_after(0)
    };
    for (what, found) in [
        ("method", changed(|r| r.method = "PUT".into())),
        ("path", changed(|r| r.path.push('x'))),
        ("endpoint", changed(|r| r.path = r.path.replace("Housing", "housing"))),
        ("query", changed(|r| r.query = "a=b".into())),
        ("longest query", changed(|r| r.query = "%FF&".repeat(2000))),
        ("body", changed(|r| r.body_hex.replace_range(0..2, "32"))),
        ("no body", changed(|r| r.body_hex.clear())),
        ("TargetModel", changed(|r| r.replace("X-Amzn-SageMaker-Target-Model", "NewYork_NY", "Chicago_IL"))),
        (
            "second TargetModel",
            changed(|r| r.headers.push(("x-amzn-sagemaker-target-model".into(), "Chicago_IL/a".into()))),
        ),
        ("host", changed(|r| r.set("Host", "localhost"))),
        ("content type", changed(|r| r.set("Content-Type", "text/csv"))),
        ("signed header left out", changed(|r| r.headers.retain(|(name, _)| name != "Accept"))),
        ("region", changed(|r| r.replace("Authorization", "eu-west-1", "us-east-1"))),
        ("list of headers", changed(|r| r.replace("Authorization", "accept;", ""))),
        ("signature", changed(|r| r.replace("Authorization", "Signature=", "Signature=0"))),
        (
            "no signature",
            changed(|r| {
                let header = r.header("Authorization").split("Signature=").next().unwrap().to_owned();
                r.set("Authorization", &format!("{header}Signature="));
            }),
        ),
        ("secret", changed(|r| r.secret_access_key.push('x'))),
        ("digest of another body", changed(|r| r.set("X-Amz-Content-SHA256", &"0f".repeat(32)))),
        ("no text", changed(|r| r.set("Accept", "ü"))),
    ] {
        assert_eq!(found, Err(Refusal::SignatureDoesNotMatch), "{what}");
    }
    // Unsigned headers may change in transit.
    assert!(changed(|r| r.set("User-Agent", "another")).is_ok());
    assert!(changed(|r| r.set("amz-sdk-request", "attempt=2")).is_ok());
    assert!(changed(|r| r.headers.reverse()).is_ok());
}

#[test]
fn an_unsigned_parameter_is_refused() {
    let mut plain = recorded("boto3");
    plain.set("X-Amzn-SageMaker-Target-Model", "Chicago_IL/a");
    let refusal = plain.verify_after(0).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "'X-Amzn-SageMaker-Target-Model' must be a 'SignedHeader' in the AWS Authorization."
    );
    assert_eq!(refusal.exception(), "InvalidSignatureException");
}

#[test]
fn an_unsigned_body_is_refused_even_if_the_head_is_signed() {
    let mut recorded = recorded("botocore with an unsigned payload");
    for (value, part) in
        [("UNSIGNED-PAYLOAD", "body that is not signed"), ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "chunk by chunk")]
    {
        recorded.set("X-Amz-Content-SHA256", value);
        let refusal = recorded.verify_after(0).unwrap_err();
        assert_eq!(refusal.exception(), "InvalidSignatureException");
        assert!(refusal.to_string().contains(part), "{refusal}");
    }
}

#[test]
fn a_head_with_the_digest_of_its_body_is_verified_before_the_body_arrives() {
    let head = |recorded: &Recorded| {
        let headers: Vec<(&str, &[u8])> = recorded.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let mut request = SignedRequest {
            method: &recorded.method,
            path: &recorded.path,
            query: &recorded.query,
            headers: &headers,
            received: SystemTime::UNIX_EPOCH,
        };
        request.received = signing_time(&request).unwrap().instant.into();
        verify_head(&request, &recorded.principals()).map(|signed| signed.payload)
    };
    let mut plain = recorded("boto3");
    assert_eq!(head(&plain), Ok(Payload::Unknown));
    let digest = digest_of(&bytes(&plain.body_hex));
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    for written in [hexadecimal.clone(), hexadecimal.to_uppercase()] {
        plain.set("X-Amz-Content-SHA256", &written);
        assert_eq!(head(&plain), Ok(Payload::HasDigest(digest)));
        assert!(plain.verify_after(0).is_ok());
    }
    let mut other = plain.clone();
    other.body_hex = "00".into();
    assert_eq!(head(&other), Ok(Payload::HasDigest(digest)));
    assert_eq!(other.verify_after(0), Err(Refusal::SignatureDoesNotMatch), "the body is another one");
    plain.secret_access_key.push('x');
    assert_eq!(head(&plain), Err(Refusal::SignatureDoesNotMatch));
    for (what, no_digest) in [("short", "ab"), ("no digits", &"xy".repeat(32)), ("empty", "")] {
        let mut recorded = recorded("boto3");
        recorded.set("X-Amz-Content-SHA256", no_digest);
        assert_eq!(head(&recorded), Ok(Payload::Unknown), "{what}");
    }
}

#[test]
fn a_session_token_belongs_to_its_keys() {
    let temporary = recorded("boto3 with a session token");
    let long_lived = recorded("boto3");
    let unrecognized = |change: &dyn Fn(&mut Recorded), recorded: &Recorded| {
        let mut recorded = recorded.clone();
        change(&mut recorded);
        assert_eq!(recorded.verify_after(0), Err(Refusal::UnrecognizedClient));
    };
    unrecognized(&|r| r.session_token = Some("another".into()), &temporary);
    unrecognized(&|r| r.session_token = None, &temporary);
    unrecognized(&|r| r.headers.retain(|(name, _)| name != "X-Amz-Security-Token"), &temporary);
    unrecognized(&|r| r.headers.push(("x-amz-security-token".into(), r.session_token.clone().unwrap())), &temporary);
    unrecognized(&|r| r.set("X-Amz-Security-Token", "token"), &long_lived);
    unrecognized(&|r| r.access_key_id = "AKIAANOTHER".into(), &long_lived);
}

#[test]
fn a_session_token_is_valid_until_its_expiration() {
    let mut temporary = recorded("boto3 with a session token");
    let signed =
        DateTime::strptime(BASIC_FORMAT, temporary.header("X-Amz-Date")).unwrap().to_zoned(TimeZone::UTC).unwrap();
    temporary.expiration = Some((signed.timestamp() + SignedDuration::from_secs(60)).to_string());
    assert!(temporary.verify_after(59).is_ok());
    assert_eq!(temporary.verify_after(60), Err(Refusal::ExpiredToken));
    // A caller without the token does not learn that it has expired.
    temporary.set("X-Amz-Security-Token", "another");
    assert_eq!(temporary.verify_after(60), Err(Refusal::UnrecognizedClient));
}

#[test]
fn a_signature_is_valid_for_fifteen_minutes_in_either_direction() {
    let recorded = recorded("boto3");
    let minutes = 60;
    for (seconds, good) in [(0, true), (15 * minutes, true), (-15 * minutes, true), (901, false), (-901, false)] {
        assert_eq!(recorded.verify_after(seconds).is_ok(), good, "{seconds}");
    }
    let signed = recorded.header("X-Amz-Date");
    let late = recorded.verify_after(16 * minutes).unwrap_err();
    assert_eq!(late.exception(), "InvalidSignatureException");
    assert!(late.to_string().starts_with(&format!("Signature expired: {signed} is now earlier than ")), "{late}");
    assert!(late.to_string().ends_with("Z - 15 min.)"), "{late}");
    let early = recorded.verify_after(-16 * minutes).unwrap_err();
    assert!(
        early.to_string().starts_with(&format!("Signature not yet current: {signed} is still later than ")),
        "{early}"
    );
    assert!(early.to_string().ends_with("Z + 15 min.)"), "{early}");
}

#[test]
fn messages_about_time_have_awss_wording() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let refusal = check_skew(at("2021-05-02T14:40:40Z"), at("2021-05-02T17:46:43Z").into()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Signature expired: 20210502T144040Z is now earlier than 20210502T173143Z (20210502T174643Z - 15 min.)"
    );
    let refusal = check_skew(at("2021-05-02T18:36:40Z"), at("2021-05-02T17:36:40Z").into()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Signature not yet current: 20210502T183640Z is still later than 20210502T175140Z (20210502T173640Z + 15 min.)"
    );
    assert!(check_skew(at("2021-05-02T18:36:40Z"), SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 60)).is_err());
}

#[test]
fn a_signature_for_another_service_or_day_is_refused_in_awss_words() {
    let changed = |change: &dyn Fn(&mut Recorded)| {
        let mut recorded = recorded("boto3");
        change(&mut recorded);
        let refusal = recorded.verify_after(0).unwrap_err();
        (refusal.exception(), refusal.to_string())
    };
    let without = |name: &'static str| {
        changed(&move |r: &mut Recorded| r.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name)))
    };
    let replaced = |from: &'static str, to: &'static str| changed(&move |r| r.replace("Authorization", from, to));
    for ((exception, message), expected, part) in [
        (without("authorization"), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (
            changed(&|r| {
                r.headers.retain(|(name, _)| name != "Authorization");
                r.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=ab".into();
            }),
            "IncompleteSignatureException",
            "Presigned URLs are not supported",
        ),
        (
            without("x-amz-date"),
            "IncompleteSignatureException",
            "requires existence of either a 'X-Amz-Date' or a 'Date'",
        ),
        (changed(&|r| r.set("X-Amz-Date", "now")), "IncompleteSignatureException", "ISO-8601 'basic format'"),
        (
            changed(&|r| r.headers.push(("x-amz-date".into(), "20261123T000000Z".into()))),
            "IncompleteSignatureException",
            "more than one 'X-Amz-Date'",
        ),
        (
            changed(&|r| r.headers.push(("authorization".into(), "Basic x".into()))),
            "IncompleteSignatureException",
            "more than one Authorization",
        ),
        (
            changed(&|r| r.set("Authorization", "Bearer x")),
            "IncompleteSignatureException",
            "requires 'Credential' parameter",
        ),
        (replaced("sagemaker", "s3"), "InvalidSignatureException", "scoped to correct service: 'sagemaker'."),
        (replaced("us-east-1", ""), "InvalidSignatureException", "scoped to a valid region"),
        (replaced("aws4_request", "aws5_request"), "InvalidSignatureException", "valid terminator: 'aws4_request'"),
        (replaced("EXAMPLE/20", "EXAMPLE/30"), "InvalidSignatureException", "Date in Credential scope does not match"),
        (replaced("host;", ""), "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader'"),
        (without("host"), "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader'"),
        (changed(&|r| r.path = "endpoints".into()), "InvalidSignatureException", "must start with /"),
        (changed(&|r| r.query = "%FF".repeat(3000)), "InvalidSignatureException", "at most 8192 bytes"),
        (
            changed(&|r| (0..300).for_each(|i| r.headers.push((format!("x-{i}"), String::new())))),
            "InvalidSignatureException",
            "more than 256 headers",
        ),
        (
            changed(&|r| r.secret_access_key = "x".into()),
            "InvalidSignatureException",
            "The request signature we calculated",
        ),
    ] {
        assert_eq!(exception, expected, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

proptest! {
    /// The signer is built for its own requests; here it gets arbitrary ones.
    #[test]
    fn no_request_makes_the_signer_panic(
        path in "/[!-~]{0,40}",
        query in "[!-~]{0,60}",
        names in proptest::collection::vec("[!-~]{0,12}", 0..4),
        value in proptest::collection::vec(any::<u8>(), 0..20),
        method in "[!-~]{0,8}",
    ) {
        let mut recorded = recorded("boto3");
        (recorded.path, recorded.query, recorded.method) = (path, query, method);
        let signed: String = names.iter().map(|name| format!("{name};")).collect();
        recorded.replace("Authorization", "host;", &format!("host;{}", signed.replace([',', '='], "")));
        let date = recorded.header("X-Amz-Date").to_owned();
        let mut headers: Vec<(&str, &[u8])> =
            recorded.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        headers.extend(names.iter().map(|name| (name.as_str(), value.as_slice())));
        let request = SignedRequest {
            method: &recorded.method,
            path: &recorded.path,
            query: &recorded.query,
            headers: &headers,
            received: DateTime::strptime(BASIC_FORMAT, date).unwrap().to_zoned(TimeZone::UTC).unwrap().into(),
        };
        prop_assert!(verify(&request, &[], &recorded.principals()).is_err());
    }
}

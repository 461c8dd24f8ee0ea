//! Verifies who sent a request: AWS's own signer computes its SigV4 signature again with the known secret to compare.
//!
//! The signature covers exactly the headers that the request lists as signed, and the path as SageMaker's
//! clients sign it: normalized, and percent-encoded once more than on the wire
//! (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use constant_time_eq::constant_time_eq;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::authorization_header::AuthorizationHeader;
use super::principals::{Principal, Principals};
use super::{Refusal, SignedRequest};

/// The name that SageMaker's runtime API signs with (botocore's `data/sagemaker-runtime/2017-05-13/service-2.json`).
const SERVICE: &str = "sagemaker";
const TERMINATOR: &str = "aws4_request";
/// The most that the signature's time may differ from the local clock, in either direction.
const SKEW_MINUTES: i64 = 15;
/// The format of `X-Amz-Date`.
const BASIC_FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// Headers with this prefix are parameters of the API. They must be signed, or others could have added
/// them. All of AWS's clients sign them.
const PARAMETER_PREFIX: &str = "x-amzn-sagemaker-";
/// The longest path and query, and the most headers, that are passed to the signer: far more than the API needs.
const MAX_TARGET_LENGTH: usize = 8 * 1024;
const MAX_SIGNED_HEADERS: usize = 256;

/// The SHA-256 of a body.
pub type Sha256Digest = [u8; 32];

/// What the head of a request reveals about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Its digest, which the verified signature covers.
    HasDigest(Sha256Digest),
    /// Nothing: the signature can be verified only when the body has arrived.
    Unknown,
}

/// A request whose head is valid for a principal.
#[derive(Debug)]
pub(super) struct Signed<'principals, 'request> {
    pub(super) principal: &'principals Principal,
    /// The region of the signature.
    pub(super) region: &'request str,
    pub(super) payload: Payload,
}

/// Identifies the principal of a request, and verifies the signature if the head names the body's digest.
pub(super) fn verify_head<'principals, 'request>(
    request: &SignedRequest<'request>,
    principals: &'principals Principals,
) -> Result<Signed<'principals, 'request>, Refusal> {
    let header = authorization(request)?;
    let time = signing_time(request)?;
    check_scope(&header, &time)?;
    check_skew(time.instant, request.received)?;
    check_coverage(request, &header)?;
    let named = named_digest(request)?;
    let principal = principals.with_access_key(header.access_key_id).ok_or(Refusal::UnrecognizedClient)?;
    check_session_token(request, principal.credentials())?;
    let payload = match named {
        Some(digest) => {
            compare(request, &header, &time, principal, &digest)?;
            Payload::HasDigest(digest)
        }
        None => Payload::Unknown,
    };
    Ok(Signed { principal, region: header.region, payload })
}

/// Verifies the signature of a request whose head is valid and whose body has this digest.
pub(super) fn verify_whole(
    request: &SignedRequest<'_>,
    principal: &Principal,
    digest: &Sha256Digest,
) -> Result<(), Refusal> {
    compare(request, &authorization(request)?, &signing_time(request)?, principal, digest)
}

fn compare(
    request: &SignedRequest<'_>,
    header: &AuthorizationHeader<'_>,
    time: &SigningTime,
    principal: &Principal,
    digest: &Sha256Digest,
) -> Result<(), Refusal> {
    let made = signature(request, header, time, principal.credentials(), digest)?;
    if constant_time_eq(made.as_bytes(), header.signature.as_bytes()) {
        Ok(())
    } else {
        Err(Refusal::SignatureDoesNotMatch)
    }
}

/// Parses the Authorization header.
fn authorization<'request>(request: &SignedRequest<'request>) -> Result<AuthorizationHeader<'request>, Refusal> {
    let header = match values(request, "authorization").as_slice() {
        [value] => str::from_utf8(value).map_err(|_| incomplete("The Authorization header is not text."))?,
        [] if is_presigned(request.query) => {
            return Err(incomplete(
                "Presigned URLs are not supported; sign the request in its Authorization header instead.",
            ));
        }
        [] => return Err(Refusal::MissingAuthenticationToken),
        _ => return Err(incomplete("There is more than one Authorization header.")),
    };
    AuthorizationHeader::parse(header)
}

/// The values of a header, however its name is written.
fn values<'a>(request: &SignedRequest<'a>, name: &str) -> Vec<&'a [u8]> {
    request.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
}

fn is_presigned(query: &str) -> bool {
    query.split('&').any(|parameter| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        name.eq_ignore_ascii_case("X-Amz-Signature") || name.eq_ignore_ascii_case("X-Amz-Algorithm")
    })
}

/// The signing time of a request, and the header that has it.
struct SigningTime {
    instant: Timestamp,
    basic: String,
}

fn signing_time(request: &SignedRequest<'_>) -> Result<SigningTime, Refusal> {
    // A client that sets Date itself signs with it (botocore's auth.py, `_set_necessary_date_headers`).
    let amz = values(request, "x-amz-date");
    let given = if amz.is_empty() { values(request, "date") } else { amz };
    let text = match given.as_slice() {
        [value] => str::from_utf8(value).unwrap_or_default().trim(),
        [] => {
            return Err(incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ));
        }
        _ => return Err(incomplete("There is more than one 'X-Amz-Date' or 'Date' header.")),
    };
    let basic = DateTime::strptime(BASIC_FORMAT, text).ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    let zoned = basic.or_else(|| jiff::fmt::rfc2822::parse(text).ok());
    let instant = zoned.map(|zoned| zoned.timestamp()).ok_or_else(|| {
        incomplete("Date must be in ISO-8601 'basic format', such as 20261123T053000Z, or an HTTP date.")
    })?;
    Ok(SigningTime { instant, basic: basic_format(instant) })
}

fn basic_format(instant: Timestamp) -> String {
    instant.strftime(BASIC_FORMAT).to_string()
}

/// Checks the scope of the key: this service, and the day of the signature.
fn check_scope(header: &AuthorizationHeader<'_>, time: &SigningTime) -> Result<(), Refusal> {
    let day = time.basic.get(..8).unwrap_or_default();
    if header.terminator != TERMINATOR {
        return Err(invalid("Credential should be scoped with a valid terminator: 'aws4_request'."));
    }
    if header.service != SERVICE {
        return Err(invalid(format!("Credential should be scoped to correct service: '{SERVICE}'.")));
    }
    if header.region.is_empty() {
        return Err(invalid("Credential should be scoped to a valid region."));
    }
    if header.date != day {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
             '{day}', from '{}'.",
            header.date, time.basic
        )));
    }
    Ok(())
}

fn check_skew(signed: Timestamp, received: SystemTime) -> Result<(), Refusal> {
    let skew = SignedDuration::from_mins(SKEW_MINUTES);
    let bounds =
        Timestamp::try_from(received).and_then(|now| Ok((now, now.checked_sub(skew)?, now.checked_add(skew)?)));
    let Ok((now, earliest, latest)) = bounds else {
        return Err(invalid("The time of this machine is out of bounds."));
    };
    let [signed_text, now, earliest_text, latest_text] = [signed, now, earliest, latest].map(basic_format);
    // The texts have a precision of seconds: a signature from the current second is not in the future.
    if signed.as_second() < earliest.as_second() {
        return Err(invalid(format!(
            "Signature expired: {signed_text} is now earlier than {earliest_text} ({now} - {SKEW_MINUTES} min.)"
        )));
    }
    if signed.as_second() > latest.as_second() {
        return Err(invalid(format!(
            "Signature not yet current: {signed_text} is still later than {latest_text} ({now} + {SKEW_MINUTES} min.)"
        )));
    }
    Ok(())
}

/// Checks that all required headers are signed, and that the request can be verified.
fn check_coverage(request: &SignedRequest<'_>, header: &AuthorizationHeader<'_>) -> Result<(), Refusal> {
    if !is_signed(header, "host") || values(request, "host").len() != 1 {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let asks = |name: &str| {
        name.get(..PARAMETER_PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PARAMETER_PREFIX))
    };
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| asks(name) && !is_signed(header, name)) {
        return Err(invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
    }
    if !request.path.starts_with('/') || request.path.len() + request.query.len() > MAX_TARGET_LENGTH {
        return Err(invalid(format!(
            "The path and query must start with / and have at most {MAX_TARGET_LENGTH} bytes."
        )));
    }
    if header.signed_headers.len() > MAX_SIGNED_HEADERS || request.headers.len() > MAX_SIGNED_HEADERS {
        return Err(invalid(format!("There are more than {MAX_SIGNED_HEADERS} headers.")));
    }
    Ok(())
}

fn is_signed(header: &AuthorizationHeader<'_>, name: &str) -> bool {
    header.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name))
}

/// Temporary keys are valid only with their token, long-lived keys only without one.
fn check_session_token(request: &SignedRequest<'_>, credentials: &Credentials) -> Result<(), Refusal> {
    let given = values(request, "x-amz-security-token");
    let right = match (given.as_slice(), credentials.session_token()) {
        ([], None) => true,
        ([given], Some(expected)) => constant_time_eq(given.trim_ascii(), expected.as_bytes()),
        _ => false,
    };
    if !right {
        return Err(Refusal::UnrecognizedClient);
    }
    match credentials.expiry() {
        Some(expiration) if expiration <= request.received => Err(Refusal::ExpiredToken),
        _ => Ok(()),
    }
}

/// The digest of the body in x-amz-content-sha256, if the head has it.
///
/// `UNSIGNED-PAYLOAD` is refused. Of all services with SigV4 only S3 accepts it for any request
/// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html); elsewhere an operation must be modelled so
/// (smithy.io/2.0/aws/aws-auth.html, `aws.auth#unsignedPayload`), and none of SageMaker's runtime is (botocore's
/// `data/sagemaker-runtime/2017-05-13/service-2.json`). Besides, AWS's clients sign the body of whatever goes over
/// plain HTTP, as all does here (botocore's auth.py, `_should_sha256_sign_payload`; `AWS4UnsignedPayloadSigner` of the
/// SDK for Java): else anyone on the way could put in another one.
fn named_digest(request: &SignedRequest<'_>) -> Result<Option<Sha256Digest>, Refusal> {
    match values(request, "x-amz-content-sha256").as_slice() {
        [b"UNSIGNED-PAYLOAD"] => Err(invalid(
            "A body that is not signed (x-amz-content-sha256: UNSIGNED-PAYLOAD) is not supported; sign its SHA-256.",
        )),
        [value] if value.starts_with(b"STREAMING-") => {
            Err(invalid("A body that is signed chunk by chunk (x-amz-content-sha256: STREAMING-…) is not supported."))
        }
        // Any other value is ignored, and the digest is computed from the body.
        [value] => Ok(digest(value)),
        _ => Ok(None),
    }
}

fn digest(hexadecimal: &[u8]) -> Option<Sha256Digest> {
    let mut digest = Sha256Digest::default();
    if hexadecimal.len() != 2 * digest.len() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    for (byte, pair) in digest.iter_mut().zip(hexadecimal.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = u8::try_from(value(high)? << 4 | value(low)?).ok()?;
    }
    Some(digest)
}

/// The expected signature of the request.
fn signature(
    request: &SignedRequest<'_>,
    header: &AuthorizationHeader<'_>,
    time: &SigningTime,
    credentials: &Credentials,
    digest: &Sha256Digest,
) -> Result<String, Refusal> {
    let mut headers = Vec::with_capacity(header.signed_headers.len());
    for (name, value) in request.headers.iter().filter(|(name, _)| is_signed(header, name)) {
        // The signer accepts only ASCII, and so does every client that could have signed this.
        let value = str::from_utf8(value).map_err(|_| Refusal::SignatureDoesNotMatch)?;
        headers.push((*name, value));
    }
    let mut hexadecimal = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    let body = SignableBody::Precomputed(hexadecimal);
    let target = match request.query {
        "" => Cow::Borrowed(request.path),
        query => Cow::Owned(format!("{}?{query}", request.path)),
    };
    let mut settings = SigningSettings::default();
    // The signer adds the date. It is included only if the request lists it as signed.
    settings.excluded_headers = (!is_signed(header, "x-amz-date")).then(|| vec![Cow::Borrowed("x-amz-date")]);
    // Without the token: the signer would add it, and it is among the headers if it was signed.
    let identity =
        Credentials::new(credentials.access_key_id(), credentials.secret_access_key(), None, None, "byoc").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(header.region)
        .name(header.service)
        .time(time.instant.into())
        .settings(settings)
        .build()
        .map_err(|_| Refusal::SignatureDoesNotMatch)?
        .into();
    let signable = SignableRequest::new(request.method, target, headers.into_iter(), body);
    let signed = signable.and_then(|signable| sign(signable, &parameters));
    // No client can have signed a request that the signer refuses.
    signed.map(|signed| signed.into_parts().1).map_err(|_| Refusal::SignatureDoesNotMatch)
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::IncompleteSignature(message.into())
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::InvalidSignature(message.into())
}

#[cfg(test)]
#[path = "signature_test.rs"]
mod tests;

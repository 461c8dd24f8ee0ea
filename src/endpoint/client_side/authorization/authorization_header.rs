//! The `Authorization` header of SigV4: the claims of a request about its signature.
//!
//! `AWS4-HMAC-SHA256 Credential=KEY/20261123/us-east-1/sagemaker/aws4_request, SignedHeaders=host;x-amz-date,
//! Signature=…` (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).

use super::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parsed header; nothing of it is verified.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AuthorizationHeader<'a> {
    pub(super) access_key_id: &'a str,
    /// `20261123`
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// `aws4_request`
    pub(super) terminator: &'a str,
    pub(super) signed_headers: Vec<&'a str>,
    /// Hexadecimal.
    pub(super) signature: &'a str,
}

impl<'a> AuthorizationHeader<'a> {
    /// Parses the header's value.
    ///
    /// # Errors
    /// [`Refusal::IncompleteSignature`], in AWS's wording where that is known. The value itself is not repeated: it may
    /// be another service's secret.
    pub(super) fn parse(value: &'a str) -> Result<AuthorizationHeader<'a>, Refusal> {
        let (algorithm, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if algorithm != ALGORITHM && algorithm.starts_with("AWS4-") {
            return Err(incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
        }
        // Any other value is not SigV4: none of the three parameters is present.
        let rest = if algorithm == ALGORITHM { rest } else { "" };
        let mut parameters = [("Credential", None), ("Signature", None), ("SignedHeaders", None)];
        for parameter in rest.split(',').map(str::trim).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(|| {
                incomplete(
                    "The Authorization header has a part that is not a valid key=value pair (missing equal-sign).",
                )
            })?;
            match parameters.iter_mut().find(|(known, _)| *known == name) {
                Some((_, slot @ None)) => *slot = Some(value),
                Some((name, Some(_))) => return Err(incomplete(format!("Authorization header has '{name}' twice."))),
                None => {}
            }
        }
        let [Some(credential), Some(signature), Some(signed_headers)] = parameters.map(|(_, value)| value) else {
            let missing: Vec<String> = parameters
                .iter()
                .filter(|(_, value)| value.is_none())
                .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
                .collect();
            return Err(incomplete(missing.join(" ")));
        };
        let elements: Vec<&str> = credential.split('/').collect();
        let &[access_key_id, date, region, service, terminator] = elements.as_slice() else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        let signed_headers = signed_headers.split(';').collect();
        Ok(AuthorizationHeader { access_key_id, date, region, service, terminator, signed_headers, signature })
    }
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::IncompleteSignature(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_parsed_in_any_order_and_spacing() {
        let expected = AuthorizationHeader {
            access_key_id: "KEY",
            date: "20261123",
            region: "us-east-1",
            service: "sagemaker",
            terminator: "aws4_request",
            signed_headers: vec!["host", "x-amz-date"],
            signature: "ab12",
        };
        for text in [
            "AWS4-HMAC-SHA256 Credential=KEY/20261123/us-east-1/sagemaker/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=ab12",
            "AWS4-HMAC-SHA256 Signature=ab12,SignedHeaders=host;x-amz-date,Credential=KEY/20261123/us-east-1/sagemaker/aws4_request",
            "AWS4-HMAC-SHA256  Credential=KEY/20261123/us-east-1/sagemaker/aws4_request , \
             SignedHeaders=host;x-amz-date , Signature=ab12 ",
        ] {
            assert_eq!(AuthorizationHeader::parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn missing_parts_are_reported_in_awss_wording_without_the_value() {
        let all = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
                   parameter. Authorization header requires 'SignedHeaders' parameter.";
        for (text, expected) in [
            ("", all),
            ("Bearer s3cret", all),
            ("Basic s3cret=, s3cret", all),
            ("AWS KEY:s3cret", all),
            ("AWS4-HMAC-SHA256", all),
            (
                "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=s3cret",
                "Authorization header requires 'Signature' parameter.",
            ),
            ("AWS4-ECDSA-P256-SHA256 Credential=s3cret", "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."),
            ("AWS4-HMAC-SHA256 Credential= s3cret, s3cret", "not a valid key=value pair"),
            ("AWS4-HMAC-SHA256 Credential=s3cret, Credential=s3cret", "'Credential' twice"),
            ("AWS4-HMAC-SHA256 Credential=s3cret/a/b/c, SignedHeaders=d, Signature=e", "exactly 5 slash-delimited"),
            ("AWS4-HMAC-SHA256 Credential=s3cret/a/b/c/d/e, SignedHeaders=d, Signature=e", "exactly 5 slash-delimited"),
        ] {
            let refusal = AuthorizationHeader::parse(text).unwrap_err();
            assert_eq!(refusal.exception(), "IncompleteSignatureException", "{text}");
            let message = refusal.to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{text}: {message}");
        }
    }
}

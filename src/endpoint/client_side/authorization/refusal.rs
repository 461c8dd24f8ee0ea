//! The table of refusals with AWS's exception names, statuses and messages.
//!
//! Names and statuses are those of services that answer JSON over REST as SageMaker's runtime does:
//! `MissingAuthenticationTokenException` is in amazon-sagemaker-examples#290, the messages about the scope in
//! aws-sdk-go#1836, `AccessDeniedException` in philschmid/cdk-samples#2, `IncompleteSignatureException` in chalice#828.

use std::fmt;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no signature.
    MissingAuthenticationToken,
    /// The signature is malformed; the text says what is missing.
    IncompleteSignature(String),
    /// The access key is unknown, or the session token does not belong to it.
    UnrecognizedClient,
    /// The session token has expired.
    ExpiredToken,
    /// The signature does not match the secret key.
    SignatureDoesNotMatch,
    /// The signature is well-formed but invalid here: its time, its scope, or the headers that it covers.
    InvalidSignature(String),
    /// The principal is known but not authorized.
    AccessDenied {
        /// The principal's ARN.
        principal: String,
        /// The action.
        action: String,
        /// The resource's ARN.
        resource: String,
        /// Whether a statement with `"Effect": "Deny"` matched; otherwise no statement allows it.
        explicitly: bool,
        /// The deciding statements, as a sentence for the log. The caller does not see the policies.
        decided_by: String,
    },
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.row().0
    }

    /// The exception's name, as `x-amzn-errortype` carries it.
    pub fn exception(&self) -> &'static str {
        self.row().1
    }

    /// The deciding statements, for the log.
    pub fn decided_by(&self) -> Option<&str> {
        match self {
            Refusal::AccessDenied { decided_by, .. } => Some(decided_by),
            _ => None,
        }
    }

    fn row(&self) -> (u16, &'static str) {
        match self {
            Refusal::MissingAuthenticationToken => (403, "MissingAuthenticationTokenException"),
            Refusal::IncompleteSignature(_) => (403, "IncompleteSignatureException"),
            Refusal::UnrecognizedClient => (403, "UnrecognizedClientException"),
            Refusal::ExpiredToken => (403, "ExpiredTokenException"),
            Refusal::SignatureDoesNotMatch | Refusal::InvalidSignature(_) => (403, "InvalidSignatureException"),
            Refusal::AccessDenied { .. } => (403, "AccessDeniedException"),
        }
    }
}

/// The message in AWS's wording.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::MissingAuthenticationToken => f.write_str("Missing Authentication Token"),
            Refusal::UnrecognizedClient => f.write_str("The security token included in the request is invalid."),
            Refusal::ExpiredToken => f.write_str("The security token included in the request is expired"),
            Refusal::SignatureDoesNotMatch => f.write_str(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ),
            Refusal::IncompleteSignature(message) | Refusal::InvalidSignature(message) => f.write_str(message),
            Refusal::AccessDenied { principal, action, resource, explicitly, .. } => {
                write!(f, "User: {principal} is not authorized to perform: {action} on resource: {resource} ")?;
                // docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
                if *explicitly {
                    f.write_str("with an explicit deny in an identity-based policy")
                } else {
                    write!(f, "because no identity-based policy allows the {action} action")
                }
            }
        }
    }
}

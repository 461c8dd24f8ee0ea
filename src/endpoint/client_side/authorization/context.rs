//! The context in which policies are evaluated: condition keys and their values.
//!
//! Keys are those of docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html and of SageMaker
//! (docs.aws.amazon.com/service-authorization/latest/reference/list_sagemaker.html). Any other key is absent, as
//! on AWS for a request that does not carry it.

use super::{ActionRequest, Principal};

/// The names of all keys that can have a value, in lower case; a tag's name follows the last one.
const KNOWN: [&str; 12] = [
    TARGET_MODEL,
    "sagemaker:targetcontainerhostname",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:username",
    "aws:userid",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:principalisawsservice",
    "aws:viaawsservice",
    PRINCIPAL_TAG,
];
const TARGET_MODEL: &str = "sagemaker:targetmodel";
const PRINCIPAL_TAG: &str = "aws:principaltag/";

/// The name of a condition key, such as `sagemaker:TargetModel` or `aws:PrincipalTag/TenantID`. Case makes no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// # Errors
    /// If the name is invalid.
    pub(super) fn parse(text: &str) -> Result<Key, String> {
        let expected = || format!("\"{text}\" is not a condition key, such as sagemaker:TargetModel");
        let (service, name) = text.split_once(':').ok_or_else(expected)?;
        let (name, tag) = name.split_once('/').map_or((name, None), |(name, tag)| (name, Some(tag)));
        // An identity provider is a service with slashes; an encryption context's name contains another colon.
        if !is_made_of(service, "-_./") || !is_made_of(name, "-_.:") {
            return Err(expected());
        }
        if tag.is_some_and(|tag| tag.is_empty() || tag.contains(char::is_control)) {
            return Err(expected());
        }
        Ok(Key(text.to_lowercase()))
    }

    /// Normalizes a value of this key, from a request or from a policy, for comparison. A slash before a TargetModel
    /// joins it to ModelDataUrl and names the same model: a Deny of `NewYork_NY/*` also denies
    /// `/NewYork_NY/a.tar.gz`, and the reverse.
    pub(super) fn comparable<'a>(&self, value: &'a str) -> &'a str {
        if self.0 == TARGET_MODEL { value.trim_start_matches('/') } else { value }
    }

    /// Whether a request to this endpoint can have a value for it.
    pub(super) fn is_known(&self) -> bool {
        KNOWN.contains(&self.0.as_str()) || self.0.starts_with(PRINCIPAL_TAG)
    }
}

/// Whether the text is not empty and has only letters, digits and these characters.
fn is_made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || others.contains(character))
}

/// A signed request and its principal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) principal: &'a Principal,
    pub(super) call: &'a ActionRequest<'a>,
    /// The region that the signature is for.
    pub(super) requested_region: &'a str,
}

impl<'a> Context<'a> {
    /// The value of a key, if the request has one.
    pub(super) fn value(&self, key: &Key) -> Option<&'a str> {
        let Context { principal, call, requested_region } = *self;
        match key.0.as_str() {
            TARGET_MODEL => call.target_model.map(|target_model| key.comparable(target_model)),
            "sagemaker:targetcontainerhostname" => call.target_container_hostname,
            "aws:principalarn" => Some(principal.arn_in_policies()),
            "aws:principalaccount" => Some(principal.account()),
            "aws:principaltype" => Some(principal.kind()),
            "aws:username" => principal.user_name(),
            "aws:userid" => principal.user_id(),
            "aws:requestedregion" => Some(requested_region),
            "aws:resourceaccount" => Some(call.account),
            // A call that is signed with an access key does not come from an AWS service.
            "aws:principalisawsservice" | "aws:viaawsservice" => Some("false"),
            other => principal.tag(other.strip_prefix(PRINCIPAL_TAG)?),
        }
    }
}

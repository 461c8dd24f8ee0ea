//! The file of principals: `byoc endpoint --iam FILE`.
//!
//! ```json
//! {"Account": "123456789012",
//!  "Principals": [{"Arn": "arn:aws:sts::123456789012:assumed-role/NewYork/session",
//!                  "AccessKeyId": "…", "SecretAccessKey": "…", "SessionToken": "…",
//!                  "Expiration": "2030-01-01T00:00:00Z",
//!                  "Tags": [{"Key": "TenantID", "Value": "NewYork_NY"}],
//!                  "Policies": [{"Version": "2012-10-17", "Statement": […]}]}]}
//! ```
//!
//! Members have the names that AWS's own APIs give them: GetCallerIdentity's `Account`, `Arn` and `UserId`,
//! AssumeRole's credentials and `Tags`. `SessionToken`, `Expiration`, `UserId` and `Tags` may be absent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use jiff::Timestamp;

use super::document::{Findings, below};
use super::node::Node;
use super::policy::Policy;
use crate::error::{Cause, Error, Result};
use crate::platform::create_model::FileOf;
use crate::platform::problems::list_problems;
use crate::storage::{absolute, read_text};
use byoc_formats::json_syntax;

/// The principals, by access key.
#[derive(Debug)]
pub struct Principals {
    account: String,
    warnings: Vec<String>,
    by_access_key: HashMap<String, Principal>,
}

/// A user or a role's session, with its keys and policies.
#[derive(Debug)]
pub struct Principal {
    arn: PrincipalArn,
    /// Prints no secret.
    credentials: Credentials,
    user_id: Option<String>,
    /// By name in lower case.
    tags: HashMap<String, String>,
    policies: Vec<Policy>,
}

/// The ARN of a principal.
#[derive(Debug)]
struct PrincipalArn {
    text: String,
    partition: String,
    account: String,
    who: Who,
}

/// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html has this table.
#[derive(Debug, PartialEq, Eq)]
enum Who {
    /// `arn:aws:iam::…:root`
    Account,
    /// `arn:aws:iam::…:user/path/name`
    User { name: String },
    /// `arn:aws:sts::…:assumed-role/role/session`
    AssumedRole { role_arn: String },
    /// `arn:aws:sts::…:federated-user/name`
    FederatedUser { user_id: String },
}

impl Principals {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// With [`Cause::BadSetting`], one line for each problem.
    pub fn from_file(file: &Path) -> Result<Principals> {
        let text = read_text(file)?;
        let file = absolute(file);
        FileOf::Iam
            .check(&text)
            .map_err(|problem| Error::new(Cause::BadSetting, format!("{}: {problem}", file.display())))?;
        let mut findings = Findings::default();
        let principals = Principals::parse(&text, &mut findings);
        match principals {
            Some(principals) if findings.problems.is_empty() => {
                let warnings =
                    findings.warnings.iter().map(|warning| format!("{}: {warning}", file.display())).collect();
                Ok(Principals { warnings, ..principals })
            }
            _ => {
                Err(Error::new(Cause::BadSetting, format!("{}: {}", file.display(), list_problems(&findings.problems))))
            }
        }
    }

    /// Warnings about the file, a line each, for the log.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The account of all principals and of the endpoints.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The number of principals.
    pub fn count(&self) -> usize {
        self.by_access_key.len()
    }

    /// The principal with this access key.
    pub(super) fn with_access_key(&self, id: &str) -> Option<&Principal> {
        self.by_access_key.get(id)
    }

    pub(super) fn parse(text: &str, findings: &mut Findings) -> Option<Principals> {
        let document: Node = match serde_json::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                findings.problem("", json_syntax::describe(text.as_bytes(), &error));
                return None;
            }
        };
        let [account, principals] = findings.object("", &document, ["Account", "Principals"])?;
        let account = findings.required("", "Account", account).and_then(|node| findings.text("Account", node));
        if account.is_some_and(|account| !is_account(account)) {
            findings.problem("Account", "expected the twelve digits of an account");
        }
        let nodes = match findings.required("", "Principals", principals) {
            None => Vec::new(),
            Some(node) => {
                let nodes = findings.list("Principals", node);
                if matches!(node, Node::List(_)) && nodes.is_empty() {
                    findings.problem("Principals", "empty; every call would be refused");
                }
                nodes
            }
        };
        let mut by_access_key = HashMap::new();
        for (path, node) in nodes {
            let Some(principal) = Principal::read(&path, node, account, findings) else { continue };
            match by_access_key.entry(principal.credentials.access_key_id().to_owned()) {
                Entry::Vacant(slot) => {
                    slot.insert(principal);
                }
                Entry::Occupied(_) => {
                    findings.problem(&below(&path, "AccessKeyId"), "another principal has the same one");
                }
            }
        }
        Some(Principals { account: account?.to_owned(), warnings: Vec::new(), by_access_key })
    }
}

impl Principal {
    /// The ARN, as in error messages.
    pub fn arn(&self) -> &str {
        &self.arn.text
    }

    pub(super) fn partition(&self) -> &str {
        &self.arn.partition
    }

    pub(super) fn account(&self) -> &str {
        &self.arn.account
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(super) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// `aws:PrincipalArn`: for a role's session it is the role, not the session. The role's path is not known from a
    /// session's ARN.
    pub(super) fn arn_in_policies(&self) -> &str {
        match &self.arn.who {
            Who::AssumedRole { role_arn } => role_arn,
            _ => &self.arn.text,
        }
    }

    /// `aws:PrincipalType`.
    pub(super) fn kind(&self) -> &'static str {
        match self.arn.who {
            Who::Account => "Account",
            Who::User { .. } => "User",
            Who::AssumedRole { .. } => "AssumedRole",
            Who::FederatedUser { .. } => "FederatedUser",
        }
    }

    /// `aws:username`, which only users have.
    pub(super) fn user_name(&self) -> Option<&str> {
        match &self.arn.who {
            Who::User { name } => Some(name),
            _ => None,
        }
    }

    /// `aws:userid`, where the file or the ARN says it.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref().or(match &self.arn.who {
            Who::Account => Some(&self.arn.account),
            Who::FederatedUser { user_id } => Some(user_id),
            Who::User { .. } | Who::AssumedRole { .. } => None,
        })
    }

    /// `aws:PrincipalTag/…`, by the tag's name in lower case.
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    fn read(path: &str, node: &Node, account: Option<&str>, findings: &mut Findings) -> Option<Principal> {
        const MEMBERS: [&str; 8] =
            ["Arn", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "UserId", "Tags", "Policies"];
        let [arn, access_key_id, secret, session_token, expiration, user_id, tags, policies] =
            findings.object(path, node, MEMBERS)?;
        let arn = required_text(path, "Arn", arn, findings).and_then(|text| {
            let path = below(path, "Arn");
            let arn = PrincipalArn::parse(text).map_err(|problem| findings.problem(&path, problem)).ok()?;
            if account.is_some_and(|account| account != arn.account) {
                findings.problem(&path, "in another account than Account; its own policies could not let it call here");
            }
            Some(arn)
        });
        let access_key_id = required_text(path, "AccessKeyId", access_key_id, findings);
        // It is delimited by a comma and a slash in the Authorization header.
        if access_key_id.is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_graphic() && !b",/".contains(&byte))) {
            findings.problem(&below(path, "AccessKeyId"), "has characters that no signature can carry");
        }
        let secret = required_text(path, "SecretAccessKey", secret, findings);
        let session_token = optional_text(path, "SessionToken", session_token, findings);
        if session_token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            findings.problem(&below(path, "SessionToken"), "has characters that no header can carry");
        }
        let expiration = optional_text(path, "Expiration", expiration, findings).and_then(|text| {
            let instant = text.parse::<Timestamp>().ok();
            if instant.is_none() {
                findings.problem(&below(path, "Expiration"), "expected a time such as 2030-01-01T00:00:00Z");
            }
            instant.map(SystemTime::from)
        });
        let user_id = optional_text(path, "UserId", user_id, findings);
        let tags = tags.map(|node| read_tags(&below(path, "Tags"), node, findings)).unwrap_or_default();
        let policies = findings.required(path, "Policies", policies).map(|node| {
            let nodes = findings.list(&below(path, "Policies"), node);
            nodes.iter().filter_map(|(path, node)| Policy::read(path, node, findings)).collect()
        });
        let session_token = session_token.map(str::to_owned);
        let credentials = Credentials::new(access_key_id?, secret?, session_token, expiration, "byoc's --iam file");
        Some(Principal { arn: arn?, credentials, user_id: user_id.map(str::to_owned), tags, policies: policies? })
    }
}

impl PrincipalArn {
    fn parse(text: &str) -> Result<PrincipalArn, String> {
        let not_a_caller = |why: &str| {
            format!(
                "\"{text}\": {why}; expected a caller's ARN, such as \
                 arn:aws:sts::123456789012:assumed-role/ROLE/SESSION or arn:aws:iam::123456789012:user/NAME"
            )
        };
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, service, "", account, resource] = fields.as_slice() else {
            return Err(not_a_caller("not a principal's ARN"));
        };
        if partition.is_empty() || !is_account(account) {
            return Err(not_a_caller("no partition, or no account of twelve digits"));
        }
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        let who = match (service, kind) {
            ("iam", "root") if resource == "root" => Who::Account,
            ("iam", "user") => match name.rsplit('/').next() {
                Some(name) if !name.is_empty() => Who::User { name: name.to_owned() },
                _ => return Err(not_a_caller("no user's name")),
            },
            ("sts", "assumed-role") => match name.split_once('/') {
                Some((role, session)) if !role.is_empty() && !session.is_empty() && !session.contains('/') => {
                    Who::AssumedRole { role_arn: format!("arn:{partition}:iam::{account}:role/{role}") }
                }
                _ => return Err(not_a_caller("not a role and a session")),
            },
            ("sts", "federated-user") if !name.is_empty() => {
                Who::FederatedUser { user_id: format!("{account}:{name}") }
            }
            ("iam", "role") => return Err(not_a_caller("a role calls through a session")),
            _ => return Err(not_a_caller("neither a user nor a session")),
        };
        Ok(PrincipalArn { text: text.to_owned(), partition: partition.to_owned(), account: account.to_owned(), who })
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text of a required member, which must not be empty.
fn required_text<'a>(path: &str, name: &str, node: Option<&'a Node>, findings: &mut Findings) -> Option<&'a str> {
    let node = findings.required(path, name, node)?;
    text_of(path, name, node, findings)
}

/// The text of a member that may be absent or `null`, but not empty.
fn optional_text<'a>(path: &str, name: &str, node: Option<&'a Node>, findings: &mut Findings) -> Option<&'a str> {
    match node {
        None | Some(Node::Null) => None,
        Some(node) => text_of(path, name, node, findings),
    }
}

fn text_of<'a>(path: &str, name: &str, node: &'a Node, findings: &mut Findings) -> Option<&'a str> {
    let path = below(path, name);
    let text = findings.text(&path, node)?;
    if text.is_empty() {
        findings.problem(&path, "empty");
        return None;
    }
    Some(text)
}

fn read_tags(path: &str, node: &Node, findings: &mut Findings) -> HashMap<String, String> {
    let mut tags = HashMap::new();
    for (path, node) in findings.list(path, node) {
        let Some([key, value]) = findings.object(&path, node, ["Key", "Value"]) else { continue };
        let key = required_text(&path, "Key", key, findings);
        let value =
            findings.required(&path, "Value", value).and_then(|node| findings.text(&below(&path, "Value"), node));
        if let (Some(key), Some(value)) = (key, value)
            && tags.insert(key.to_lowercase(), value.to_owned()).is_some()
        {
            findings.problem(&below(&path, "Key"), "given twice; tags do not differ by case");
        }
    }
    tags
}

#[cfg(test)]
#[path = "principals_test.rs"]
mod tests;

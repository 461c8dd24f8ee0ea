//! Policy documents: which actions on which resources, under which conditions, are allowed or denied
//! (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).

use super::condition::Condition;
use super::context::Context;
use super::document::{Findings, below, one_or_many};
use super::node::Node;
use super::pattern::{Case, Pattern, Version};

/// An identity-based policy.
#[derive(Debug)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    /// Its path in the file, and its Sid if it has one: for the log.
    name: String,
    effect: Effect,
    actions: Selection,
    resources: Selection,
    conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// The patterns of `Action` or `Resource`, or of `NotAction` or `NotResource`.
#[derive(Debug)]
struct Selection {
    selects: Selects,
    patterns: Vec<Pattern>,
    /// The member and its texts, for the log.
    as_written: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selects {
    Any,
    AllBut,
}

/// The combined decision of all policies of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it, which overrides any Allow.
    ExplicitDeny,
    /// No statement matches.
    ImplicitDeny,
}

/// Evaluates all policies for a call
/// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
pub(super) fn decide(policies: &[Policy], action: &str, resource: &str, context: &Context<'_>) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for statement in policies.iter().flat_map(|policy| &policy.statements) {
        if statement.applies(action, resource, context) {
            match statement.effect {
                Effect::Deny => return Decision::ExplicitDeny,
                Effect::Allow => decision = Decision::Allow,
            }
        }
    }
    decision
}

/// The most statements that the log names if none allows a call.
const MAX_NAMED: usize = 3;

/// Why a call is denied, as a sentence for the log: the statement that denies it with its
/// conditions, or those that would allow it except for a condition or the resource.
pub(super) fn why_denied(policies: &[Policy], action: &str, resource: &str, context: &Context<'_>) -> String {
    let statements = || policies.iter().flat_map(|policy| &policy.statements);
    let denies =
        |statement: &&Statement| statement.effect == Effect::Deny && statement.applies(action, resource, context);
    if let Some(statement) = statements().find(denies) {
        let conditions: Vec<String> =
            statement.conditions.iter().map(|condition| condition.describe(context)).collect();
        return match conditions.as_slice() {
            [] => format!("{} denies it, without a Condition", statement.name),
            conditions => format!("{} denies it: {}", statement.name, conditions.join("; ")),
        };
    }
    let allows_the_action = || {
        let allow = statements().filter(|statement| statement.effect == Effect::Allow);
        allow.filter(|statement| statement.actions.covers(action, Case::Ignored, context))
    };
    let on_the_resource = |statement: &&Statement| statement.resources.covers(resource, Case::Matters, context);
    let conditions: Vec<String> = allows_the_action()
        .filter(on_the_resource)
        .filter_map(|statement| {
            let condition = statement.conditions.iter().find(|condition| !condition.holds(context))?;
            Some(format!("{} allows it only where {}", statement.name, condition.describe(context)))
        })
        .collect();
    if !conditions.is_empty() {
        return several(conditions);
    }
    let elsewhere: Vec<String> = allows_the_action()
        .map(|statement| format!("{} allows the action on {} only", statement.name, statement.resources.as_written))
        .collect();
    if !elsewhere.is_empty() {
        return several(elsewhere);
    }
    format!("no statement allows the action {action}")
}

fn several(mut sentences: Vec<String>) -> String {
    let more = sentences.len().saturating_sub(MAX_NAMED);
    sentences.truncate(MAX_NAMED);
    let named = sentences.join("; ");
    if more == 0 { named } else { format!("{named}; and {more} more statements") }
}

impl Statement {
    fn applies(&self, action: &str, resource: &str, context: &Context<'_>) -> bool {
        self.actions.covers(action, Case::Ignored, context)
            && self.resources.covers(resource, Case::Matters, context)
            && self.conditions.iter().all(|condition| condition.holds(context))
    }

    fn read(path: &str, node: &Node, version: Version, findings: &mut Findings) -> Option<Statement> {
        const MEMBERS: [&str; 7] = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        let [sid, effect, action, not_action, resource, not_resource, condition] =
            findings.object(path, node, MEMBERS)?;
        let sid = sid.and_then(|sid| findings.text(&below(path, "Sid"), sid));
        let name = sid.map_or_else(|| path.to_owned(), |sid| format!("{path} ({sid:?})"));
        let effect = Effect::read(path, effect, findings);
        let actions = Selection::read(path, ["Action", "NotAction"], [action, not_action], findings, action_pattern);
        let names = ["Resource", "NotResource"];
        let resources = Selection::read(path, names, [resource, not_resource], findings, |path, text, findings| {
            if names_an_endpoint_with_capitals(text) {
                findings
                    .warning(path, "never matches: ARNs have endpoint names in lower case, whatever their own case");
            }
            let pattern = resource_pattern(text, version)?;
            findings.warn_of_variables(path, text, &pattern, version);
            Ok(pattern)
        });
        let conditions = condition
            .map(|node| Condition::read_all(&below(path, "Condition"), node, version, findings))
            .unwrap_or_default();
        Some(Statement { name, effect: effect?, actions: actions?, resources: resources?, conditions })
    }
}

/// Actions can have wildcards but no variables.
fn action_pattern(_: &str, text: &str, _: &mut Findings) -> Result<Pattern, String> {
    let made_of = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| character.is_ascii_alphanumeric() || "-_*?".contains(character))
    };
    if text != "*" && !text.split_once(':').is_some_and(|(service, name)| made_of(service) && made_of(name)) {
        return Err(format!("\"{text}\" is not an action, such as sagemaker:InvokeEndpoint"));
    }
    Pattern::with_wildcards(text, Version::Version2008)
}

fn resource_pattern(text: &str, version: Version) -> Result<Pattern, String> {
    let pattern = Pattern::with_wildcards(text, version)?;
    if text == "*" {
        Ok(pattern)
    } else if text.starts_with("arn:") {
        Ok(pattern.completed_to_an_arn())
    } else {
        let such = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/name";
        Err(format!("\"{text}\" is neither * nor an ARN, such as {such}"))
    }
}

/// Whether an endpoint's name has capitals outside of variables.
fn names_an_endpoint_with_capitals(arn: &str) -> bool {
    let name = arn.split_once(":endpoint/").map_or("", |(_, name)| name);
    name.split("${").enumerate().any(|(number, part)| {
        let plain = if number == 0 { part } else { part.split_once('}').map_or("", |(_, after)| after) };
        plain.contains(|character: char| character.is_ascii_uppercase())
    })
}

impl Effect {
    fn read(path: &str, node: Option<&Node>, findings: &mut Findings) -> Option<Effect> {
        let node = findings.required(path, "Effect", node)?;
        let path = below(path, "Effect");
        match findings.text(&path, node)? {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                findings.problem(&path, format_args!("expected Allow or Deny, found \"{other}\""));
                None
            }
        }
    }
}

impl Selection {
    /// Reads whichever of two members is present: the including or the excluding one.
    fn read(
        path: &str,
        [name, not_name]: [&str; 2],
        nodes: [Option<&Node>; 2],
        findings: &mut Findings,
        pattern: impl Fn(&str, &str, &mut Findings) -> Result<Pattern, String>,
    ) -> Option<Selection> {
        let (name, node, selects) = match nodes {
            [Some(node), None] => (name, node, Selects::Any),
            [None, Some(node)] => (not_name, node, Selects::AllBut),
            [Some(_), Some(_)] => {
                findings.problem(path, format_args!("has both {name} and {not_name}; give one of the two"));
                return None;
            }
            [None, None] => {
                findings.problem(path, format_args!("has neither {name} nor {not_name}; give one of the two"));
                return None;
            }
        };
        let path = below(path, name);
        let nodes = one_or_many(&path, node);
        if nodes.is_empty() {
            findings.problem(&path, "empty");
        }
        let mut patterns = Vec::with_capacity(nodes.len());
        let mut texts = Vec::with_capacity(nodes.len());
        for (path, node) in nodes {
            let Some(text) = findings.text(&path, node) else { continue };
            texts.push(text);
            match pattern(&path, text, findings) {
                Ok(pattern) => patterns.push(pattern),
                Err(problem) => findings.problem(&path, problem),
            }
        }
        Some(Selection { selects, patterns, as_written: format!("{name} {texts:?}") })
    }

    fn covers(&self, text: &str, case: Case, context: &Context<'_>) -> bool {
        let any = self.patterns.iter().any(|pattern| pattern.matches(text, case, context));
        any == (self.selects == Selects::Any)
    }
}

impl Policy {
    /// Reads a policy document. Invalid statements are reported and left out of the result.
    pub(super) fn read(path: &str, node: &Node, findings: &mut Findings) -> Option<Policy> {
        let [version, id, statement] = findings.object(path, node, ["Version", "Id", "Statement"])?;
        if let Some(id) = id {
            findings.text(&below(path, "Id"), id);
        }
        let version = match version {
            None => Some(Version::Version2008),
            Some(node) => read_version(&below(path, "Version"), node, findings),
        };
        let statement = findings.required(path, "Statement", statement)?;
        let path = below(path, "Statement");
        let nodes = one_or_many(&path, statement);
        if nodes.is_empty() {
            findings.problem(&path, "empty");
        }
        // Without a valid version, the newer one finds more problems.
        let version = version.unwrap_or(Version::Version2012);
        let statements =
            nodes.iter().filter_map(|(path, node)| Statement::read(path, node, version, findings)).collect();
        Some(Policy { statements })
    }
}

fn read_version(path: &str, node: &Node, findings: &mut Findings) -> Option<Version> {
    match findings.text(path, node)? {
        "2012-10-17" => Some(Version::Version2012),
        "2008-10-17" => Some(Version::Version2008),
        other => {
            findings.problem(path, format_args!("expected 2012-10-17 or 2008-10-17, found \"{other}\""));
            None
        }
    }
}

#[cfg(test)]
#[path = "policy_test.rs"]
mod tests;

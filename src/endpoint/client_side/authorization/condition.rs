//! Conditions: `{"StringLike": {"sagemaker:TargetModel": ["NewYork_NY/*"]}}`.
//!
//! All operators and all keys must hold; one matching value of a key is enough, and with a negated operator none may
//! match. A key that the request does not have makes an operator false, a negated one true
//! (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).

use std::borrow::Cow;

use super::context::{Context, Key};
use super::document::{Findings, below, one_or_many};
use super::node::Node;
use super::pattern::{Case, Pattern, Version};

/// One key under one operator.
#[derive(Debug)]
pub(super) struct Condition {
    key: Key,
    test: Test,
    /// Operator, key and values as in the policy.
    as_written: String,
}

#[derive(Debug)]
enum Test {
    /// Whether the key is absent, as one of these values says.
    Null(Vec<bool>),
    Compare {
        quantifier: Quantifier,
        presence: Presence,
        polarity: Polarity,
        values: Vec<Value>,
    },
}

/// How many of the request's values must match. All keys that are known here have at most one, so the three differ
/// only if the key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    TheOne,
    ForAnyValue,
    ForAllValues,
}

/// Whether the key must be present to be compared: `…IfExists` or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Expected,
    IfExists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    Matches,
    /// `…Not…`
    MatchesNone,
}

/// The value that a policy compares with.
#[derive(Debug)]
enum Value {
    Text(Pattern, Case),
    /// Compared field by field.
    Arn(Box<[Pattern; 6]>),
    Bool(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equals,
    EqualsIgnoringCase,
    Like,
    Arn,
    Bool,
}

/// The comparison operators, each with its polarity.
const OPERATORS: [(&str, Comparison, Polarity); 11] = [
    ("StringEquals", Comparison::Equals, Polarity::Matches),
    ("StringNotEquals", Comparison::Equals, Polarity::MatchesNone),
    ("StringEqualsIgnoreCase", Comparison::EqualsIgnoringCase, Polarity::Matches),
    ("StringNotEqualsIgnoreCase", Comparison::EqualsIgnoringCase, Polarity::MatchesNone),
    ("StringLike", Comparison::Like, Polarity::Matches),
    ("StringNotLike", Comparison::Like, Polarity::MatchesNone),
    ("ArnEquals", Comparison::Arn, Polarity::Matches),
    ("ArnNotEquals", Comparison::Arn, Polarity::MatchesNone),
    ("ArnLike", Comparison::Arn, Polarity::Matches),
    ("ArnNotLike", Comparison::Arn, Polarity::MatchesNone),
    ("Bool", Comparison::Bool, Polarity::Matches),
];

/// A parsed operator name.
#[derive(Clone, Copy)]
enum Operator {
    Null,
    Compare { quantifier: Quantifier, presence: Presence, polarity: Polarity, comparison: Comparison },
}

impl Operator {
    fn parse(name: &str) -> Result<Operator, String> {
        if name == "Null" {
            return Ok(Operator::Null);
        }
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::TheOne, name),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(_) => return Err(unknown_operator(name)),
        };
        let (presence, rest) = match rest.strip_suffix("IfExists") {
            Some(rest) => (Presence::IfExists, rest),
            None => (Presence::Expected, rest),
        };
        let &(_, comparison, polarity) =
            OPERATORS.iter().find(|(operator, ..)| *operator == rest).ok_or_else(|| unknown_operator(name))?;
        Ok(Operator::Compare { quantifier, presence, polarity, comparison })
    }
}

fn unknown_operator(name: &str) -> String {
    let names: Vec<&str> = OPERATORS.iter().map(|(operator, ..)| *operator).collect();
    format!(
        "operator \"{name}\" cannot be evaluated here; there are {}, each also with IfExists behind it and with \
         ForAnyValue: or ForAllValues: before it, and Null",
        names.join(", ")
    )
}

impl Condition {
    /// Reads the `Condition` of a statement.
    pub(super) fn read_all(path: &str, node: &Node, version: Version, findings: &mut Findings) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let mut operators_seen = Vec::new();
        for (operator_name, keys) in findings.members(path, node).unwrap_or_default() {
            let path = below(path, operator_name);
            if operators_seen.contains(&operator_name) {
                findings.problem(&path, "given twice");
            }
            operators_seen.push(operator_name);
            let operator = match Operator::parse(operator_name) {
                Ok(operator) => operator,
                Err(problem) => {
                    findings.problem(&path, problem);
                    continue;
                }
            };
            let mut keys_seen = Vec::new();
            for (name, values) in findings.members(&path, keys).unwrap_or_default() {
                let path = below(&path, name);
                match Key::parse(name) {
                    Ok(key) if keys_seen.contains(&key) => findings.problem(&path, "given twice"),
                    Ok(key) => {
                        keys_seen.push(key.clone());
                        let as_written = format!("{operator_name} {name} {}", written(&path, values));
                        let test = Condition::read(&path, &key, operator, values, version, findings);
                        conditions.push(Condition { key, test, as_written });
                    }
                    Err(problem) => findings.problem(&path, problem),
                }
            }
        }
        conditions
    }

    fn read(
        path: &str,
        key: &Key,
        operator: Operator,
        values: &Node,
        version: Version,
        findings: &mut Findings,
    ) -> Test {
        if !key.is_known() {
            findings.warning(path, "no request to this endpoint has this key; it counts as absent");
        }
        let values = one_or_many(path, values);
        match operator {
            Operator::Null => {
                Test::Null(values.iter().filter_map(|(path, node)| truth(path, node, findings)).collect())
            }
            Operator::Compare { quantifier, presence, polarity, comparison } => {
                let values = values
                    .iter()
                    .filter_map(|(path, node)| Value::read(path, node, key, comparison, version, findings))
                    .collect();
                Test::Compare { quantifier, presence, polarity, values }
            }
        }
    }

    /// The condition and the request's value of its key, for the log.
    pub(super) fn describe(&self, context: &Context<'_>) -> String {
        match context.value(&self.key) {
            Some(found) => format!("{}; the request has {found:?}", self.as_written),
            None => format!("{}; the request has no such key", self.as_written),
        }
    }

    /// Whether the request meets it.
    pub(super) fn holds(&self, context: &Context<'_>) -> bool {
        let found = context.value(&self.key);
        match (&self.test, found) {
            (Test::Null(expected), found) => expected.contains(&found.is_none()),
            (Test::Compare { polarity, values, .. }, Some(found)) => {
                let any = values.iter().any(|value| value.matches(found, context));
                any == (*polarity == Polarity::Matches)
            }
            (Test::Compare { quantifier, presence, polarity, .. }, None) => match quantifier {
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => *presence == Presence::IfExists,
                Quantifier::TheOne => *presence == Presence::IfExists || *polarity == Polarity::MatchesNone,
            },
        }
    }
}

impl Value {
    fn read(
        path: &str,
        node: &Node,
        key: &Key,
        comparison: Comparison,
        version: Version,
        findings: &mut Findings,
    ) -> Option<Value> {
        let text = match (comparison, node) {
            (Comparison::Bool, _) => return truth(path, node, findings).map(Value::Bool),
            // IAM treats numbers and booleans as their text.
            (_, Node::Negative(number)) => Cow::from(number.to_string()),
            (_, Node::Integer(number)) => Cow::from(number.to_string()),
            (_, Node::Float(number)) => Cow::from(number.to_string()),
            (_, Node::Bool(value)) => Cow::from(if *value { "true" } else { "false" }),
            (_, node) => Cow::from(findings.text(path, node)?),
        };
        let text = key.comparable(&text);
        let pattern = match comparison {
            Comparison::Equals | Comparison::EqualsIgnoringCase | Comparison::Bool => Pattern::literal(text, version),
            Comparison::Like | Comparison::Arn => Pattern::with_wildcards(text, version),
        };
        let pattern = pattern.map_err(|problem| findings.problem(path, problem)).ok()?;
        findings.warn_of_variables(path, text, &pattern, version);
        match comparison {
            Comparison::EqualsIgnoringCase => Some(Value::Text(pattern, Case::Ignored)),
            Comparison::Arn => match pattern.into_arn_fields() {
                Some(fields) => Some(Value::Arn(Box::new(fields))),
                None => {
                    let expected = "expected an ARN's six fields, such as arn:aws:iam::123456789012:role/name";
                    findings.problem(path, format_args!("\"{text}\": {expected}"));
                    None
                }
            },
            _ => Some(Value::Text(pattern, Case::Matters)),
        }
    }

    fn matches(&self, found: &str, context: &Context<'_>) -> bool {
        match self {
            Value::Text(pattern, case) => pattern.matches(found, *case, context),
            Value::Bool(expected) => found.eq_ignore_ascii_case(if *expected { "true" } else { "false" }),
            Value::Arn(patterns) => {
                let mut fields = found.splitn(6, ':');
                patterns
                    .iter()
                    .all(|pattern| fields.next().is_some_and(|field| pattern.matches(field, Case::Matters, context)))
            }
        }
    }
}

/// The values of a condition, for the log.
fn written(path: &str, values: &Node) -> String {
    let values: Vec<String> = one_or_many(path, values)
        .iter()
        .map(|(_, node)| match node {
            Node::Text(text) => format!("{text:?}"),
            Node::Bool(value) => value.to_string(),
            Node::Negative(number) => number.to_string(),
            Node::Integer(number) => number.to_string(),
            Node::Float(number) => number.to_string(),
            // Reported elsewhere.
            Node::Null | Node::List(_) | Node::Object(_) => "?".to_owned(),
        })
        .collect();
    format!("[{}]", values.join(", "))
}

/// `true` and `false`, which policies write as strings.
fn truth(path: &str, node: &Node, findings: &mut Findings) -> Option<bool> {
    match node {
        Node::Bool(value) => Some(*value),
        Node::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Node::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => {
            findings.problem(path, "expected \"true\" or \"false\"");
            None
        }
    }
}

#[cfg(test)]
#[path = "condition_test.rs"]
mod tests;

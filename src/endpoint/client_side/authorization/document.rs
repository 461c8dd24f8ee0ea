//! Strict reading of JSON documents: nothing is skipped, and all problems are reported together, each with its path.

use super::node::Node;
use byoc_formats::suggest;
use std::fmt;

/// The kind of a value, for a message. Never the value itself: it may be a secret.
fn kind(node: &Node) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "a boolean",
        Node::Negative(_) | Node::Integer(_) | Node::Float(_) => "a number",
        Node::Text(_) => "a string",
        Node::List(_) => "a list",
        Node::Object(_) => "an object",
    }
}

/// The findings of a check: problems, for which the document is refused, and warnings, which are only logged.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Adds a problem at `path`.
    pub(super) fn problem(&mut self, path: &str, message: impl fmt::Display) {
        self.problems.push(located(path, message));
    }

    /// Adds a warning at `path`: something is allowed but hardly intended.
    pub(super) fn warning(&mut self, path: &str, message: impl fmt::Display) {
        self.warnings.push(located(path, message));
    }

    /// The text of a node.
    pub(super) fn text<'a>(&mut self, path: &str, node: &'a Node) -> Option<&'a str> {
        match node {
            Node::Text(text) => Some(text),
            other => {
                self.problem(path, format_args!("expected a string, found {}", kind(other)));
                None
            }
        }
    }

    /// The nodes of a list, each with its path.
    pub(super) fn list<'a>(&mut self, path: &str, node: &'a Node) -> Vec<(String, &'a Node)> {
        match node {
            Node::List(nodes) => numbered(path, nodes),
            other => {
                self.problem(path, format_args!("expected a list, found {}", kind(other)));
                Vec::new()
            }
        }
    }

    /// The members of an object, by name.
    pub(super) fn members<'a>(&mut self, path: &str, node: &'a Node) -> Option<&'a [(String, Node)]> {
        match node {
            Node::Object(members) => Some(members),
            other => {
                self.problem(path, format_args!("expected an object, found {}", kind(other)));
                None
            }
        }
    }

    /// The members of an object, in the order of `known`. A name that is not known or is given twice is a problem.
    pub(super) fn object<'a, const N: usize>(
        &mut self,
        path: &str,
        node: &'a Node,
        known: [&str; N],
    ) -> Option<[Option<&'a Node>; N]> {
        let mut found = [None; N];
        for (name, node) in self.members(path, node)? {
            let member = below(path, name);
            match known.iter().position(|one| one == name).and_then(|place| found.get_mut(place)) {
                Some(slot @ None) => *slot = Some(node),
                Some(Some(_)) => self.problem(&member, "given twice"),
                None => {
                    self.problem(&member, format_args!("unknown member; there are {}", suggest::listed(name, known)))
                }
            }
        }
        Some(found)
    }

    /// A member that must be there.
    pub(super) fn required<'a>(&mut self, path: &str, name: &str, node: Option<&'a Node>) -> Option<&'a Node> {
        if node.is_none() {
            self.problem(&below(path, name), "missing");
        }
        node
    }
}

/// One node or a list of them, each with its path: in a policy most lists of one may be written without the list.
pub(super) fn one_or_many<'a>(path: &str, node: &'a Node) -> Vec<(String, &'a Node)> {
    match node {
        Node::List(nodes) => numbered(path, nodes),
        one => vec![(path.to_owned(), one)],
    }
}

fn numbered<'a>(path: &str, nodes: &'a [Node]) -> Vec<(String, &'a Node)> {
    (0..).zip(nodes).map(|(number, node): (usize, _)| (format!("{path}[{number}]"), node)).collect()
}

/// The path of a member.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn located(path: &str, message: impl fmt::Display) -> String {
    if path.is_empty() { message.to_string() } else { format!("{path}: {message}") }
}

//! Why a document is not of a type, and where in it.

use crate::suggest;
use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object: the member's name.
    Member(String),
    /// Into a list: the item, counted from 0.
    Item(usize),
}

/// The first value that does not fit. Boxed, since it is the error of every value's result.
#[derive(Debug)]
pub struct Mistyped(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// From the value up: that is how an error travels.
    path: Vec<Step>,
    message: String,
}

impl Mistyped {
    /// What serde, or the type, says of it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The way from the document to the value.
    pub fn path(&self) -> Vec<Step> {
        self.0.path.iter().rev().cloned().collect()
    }

    /// The path as it is written, `Models[0].ModelName`; nothing for the document itself.
    pub fn place(&self) -> Option<String> {
        let mut place = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Member(name) if place.is_empty() => place.push_str(name),
                Step::Member(name) => {
                    place.push('.');
                    place.push_str(name);
                }
                Step::Item(at) => place.push_str(&format!("[{at}]")),
            }
        }
        (!place.is_empty()).then_some(place)
    }

    #[cold]
    pub(super) fn within(mut self, member: &str) -> Mistyped {
        self.0.path.push(Step::Member(member.to_owned()));
        self
    }

    #[cold]
    pub(super) fn within_item(mut self, at: usize) -> Mistyped {
        self.0.path.push(Step::Item(at));
        self
    }
}

impl serde::de::Error for Mistyped {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Mistyped {
        Mistyped(Box::new(Inner { path: Vec::new(), message: message.to_string() }))
    }

    #[cold]
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Mistyped {
        Mistyped::unknown("field", field, expected)
    }

    #[cold]
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Mistyped {
        Mistyped::unknown("variant", variant, expected)
    }
}

impl Mistyped {
    /// A name that is none of those that are expected: in serde's words, the one that was meant before all others.
    fn unknown(what: &str, found: &str, expected: &[&str]) -> Mistyped {
        let meant = match suggest::nearest(found, expected.iter().copied()) {
            Some(near) => format!(": did you mean `{near}`?"),
            None => ",".to_owned(),
        };
        let quoted: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        let expected = match quoted.as_slice() {
            [] => "none at all".to_owned(),
            [only] => only.clone(),
            [first, second] => format!("{first} or {second}"),
            several => format!("one of {}", several.join(", ")),
        };
        serde::de::Error::custom(format_args!("unknown {what} `{found}`{meant} expected {expected}"))
    }
}

impl std::error::Error for Mistyped {}

impl fmt::Display for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            None => f.write_str(self.message()),
            Some(place) => write!(f, "{place}: {}", self.message()),
        }
    }
}

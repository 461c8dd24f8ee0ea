//! What was assumed about rows because nothing says it.

use byoc_formats::error::Remedy;
use serde::{Serialize, Serializer};

/// An assumption about the rows that a person should check, and what to set where it is wrong. It is serialized as its
/// text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What was assumed, and why.
    pub text: String,
    /// What to set where it is wrong.
    pub remedy: Remedy,
}

impl Serialize for Assumption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

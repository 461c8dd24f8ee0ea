//! Why a value is not of a type, as data: serde_json's own error has only text.

use crate::suggest;
use serde::de::{Expected, Unexpected};
use std::fmt;

/// The longest text of a value in a message, in characters.
const MAX_SHOWN_LENGTH: usize = 60;

/// Why a value is not of a type.
#[derive(Debug)]
pub enum Mistake {
    /// Another value was expected.
    Unfit {
        /// What was expected.
        expected: String,
        /// The value, or its kind for a list or an object.
        found: String,
    },
    /// A member that does not exist.
    UnknownField {
        /// Its name.
        name: String,
        /// The members that exist.
        known: &'static [&'static str],
    },
    /// A word that is not one of an enum's.
    UnknownWord {
        /// The word.
        word: String,
        /// The words that exist.
        known: &'static [&'static str],
    },
    /// An object without a required member.
    Missing(&'static str),
    /// An object with a member that is given twice.
    Duplicate(&'static str),
    /// Any other problem that a type reports.
    Other(String),
    /// The text is not JSON, in the words of its reader.
    NotJson(String),
}

impl Mistake {
    fn unfit(found: String, expected: &dyn Expected) -> Mistake {
        Mistake::Unfit { expected: expected.to_string(), found }
    }

    /// What was expected, for a message that shows the value already; `None` if the mistake does not say it.
    pub fn expectation(&self) -> Option<String> {
        match self {
            Mistake::Unfit { expected, .. } => Some(format!("expected {expected}")),
            Mistake::UnknownWord { word, known } => {
                let meant = suggest::did_you_mean(word, known.iter().copied());
                Some(format!("{meant}expected {}", Alternatives(known)))
            }
            _ => None,
        }
    }

    /// The mistake with the expected type in JSON's terms instead of Rust's.
    pub(super) fn expecting(self, kind: Option<&'static str>) -> Mistake {
        match (self, kind) {
            (Mistake::Unfit { found, .. }, Some(kind)) => Mistake::Unfit { expected: kind.to_owned(), found },
            (mistake, _) => mistake,
        }
    }
}

impl serde::de::Error for Mistake {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Mistake {
        Mistake::Other(message.to_string())
    }

    #[cold]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Mistake {
        Mistake::unfit(shown(found), expected)
    }

    #[cold]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Mistake {
        Mistake::unfit(shown(found), expected)
    }

    #[cold]
    fn invalid_length(_length: usize, expected: &dyn Expected) -> Mistake {
        // Visitors stop at the first excess item, so the length is not that of the whole list.
        Mistake::unfit("a list of the wrong length".to_owned(), expected)
    }

    #[cold]
    fn unknown_field(name: &str, known: &'static [&'static str]) -> Mistake {
        Mistake::UnknownField { name: name.to_owned(), known }
    }

    #[cold]
    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Mistake {
        Mistake::UnknownWord { word: name.to_owned(), known }
    }

    #[cold]
    fn missing_field(name: &'static str) -> Mistake {
        Mistake::Missing(name)
    }

    #[cold]
    fn duplicate_field(name: &'static str) -> Mistake {
        Mistake::Duplicate(name)
    }
}

impl std::error::Error for Mistake {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistake::Unfit { expected, found } => write!(f, "expected {expected}, found {found}"),
            Mistake::UnknownWord { word, .. } => {
                let found = shown(Unexpected::Str(word));
                write!(f, "{}, found {found}", self.expectation().unwrap_or_default())
            }
            Mistake::UnknownField { name, known } => {
                match suggest::nearest(name, known.iter().copied()) {
                    Some(near) => write!(f, "unknown field `{name}`: did you mean `{near}`? expected ")?,
                    None => write!(f, "unknown field `{name}`, expected ")?,
                }
                match known {
                    [] => f.write_str("none at all"),
                    [only] => write!(f, "`{only}`"),
                    [first, second] => write!(f, "`{first}` or `{second}`"),
                    several => write!(f, "one of `{}`", several.join("`, `")),
                }
            }
            Mistake::Missing(name) => write!(f, "missing field `{name}`"),
            Mistake::Duplicate(name) => write!(f, "duplicate field `{name}`"),
            Mistake::Other(message) | Mistake::NotJson(message) => f.write_str(message),
        }
    }
}

/// The words of an enum: `Line, RecordIO or TFRecord`.
pub(super) struct Alternatives(pub(super) &'static [&'static str]);

impl fmt::Display for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("nothing"),
            [only] => f.write_str(only),
            [several @ .., last] => write!(f, "{} or {last}", several.join(", ")),
        }
    }
}

/// A value as a message shows it.
fn shown(found: Unexpected<'_>) -> String {
    let text = match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => serde_json::Value::from(value).to_string(),
        Unexpected::Str(text) => serde_json::Value::from(text).to_string(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_SHOWN_LENGTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

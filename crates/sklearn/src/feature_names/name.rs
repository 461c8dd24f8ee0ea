//! Names of features, and why they may be unavailable.

use byoc_formats::error::Error;
use std::sync::Arc;

/// A name, shared by all lists that contain it: the names of a transformer's parts also occur in those of the whole.
pub type Name = Arc<str>;

/// Names, or why they are not available.
pub(crate) type Names = Result<Vec<Name>, NoNames>;

/// Why names are not available: scikit-learn raises an error, or only Python could compute them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NoNames(pub(crate) String);

impl NoNames {
    /// A Python exception.
    pub(crate) fn raised(exception: impl Into<String>) -> NoNames {
        NoNames(exception.into())
    }

    /// A part without the method, as reported by its parent.
    pub(crate) fn no_method(name: &str, class: &str, method: &str) -> NoNames {
        NoNames(format!("AttributeError: Transformer {name} (type {class}) does not provide {method}."))
    }
}

impl From<Error> for NoNames {
    fn from(error: Error) -> NoNames {
        NoNames(error.to_string())
    }
}

//! The errors of a pickle that is broken, or that names a class or function that is not read.

use super::allow_list::AllowList;
use crate::error::{Cause, Error};

/// The error for a name that is not on the list.
pub(super) fn not_listed(list: &dyn AllowList, module: &str, name: &str) -> Error {
    let reason = list.reason(module, name);
    let (module, name) = (module.escape_debug(), name.escape_debug());
    let message = format!("the file names {module}.{name}, {reason}. Nothing of it was imported or run");
    Error::new(Cause::Unsupported, message)
}

/// An error to which the machine adds the place.
pub(super) fn error(message: impl Into<String>) -> Error {
    Error::bad_artifact(message)
}

//! The error of a class or function that a pickle names and that is not read.

use super::allow_list::AllowList;
use crate::error::{Cause, Error};

/// The error of a name that is not on the list.
pub(super) fn not_listed(list: &dyn AllowList, module: &str, name: &str) -> Error {
    let reason = list.reason(module, name);
    let (module, name) = (module.escape_debug(), name.escape_debug());
    let message = format!("the file names {module}.{name}, {reason}. Nothing of it was imported or run");
    Error::new(Cause::Unsupported, message)
}

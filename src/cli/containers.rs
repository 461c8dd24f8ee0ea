//! What containers get from this process: the executable and the inherited variables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::env::{self, Environment};
use crate::error::{Cause, Error, Result};

/// The variables that containers inherit from this process: the paths of programs, home and temporary files, and the
/// log settings.
pub(super) const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", env::RUST_LOG, env::SAGEMAKER_CONTAINER_LOG_LEVEL];

/// The inherited variables that are set.
pub(super) fn inherited(environment: &Environment) -> BTreeMap<String, String> {
    let set = |name: &str| Some((name.to_owned(), environment.get(name)?.to_owned()));
    INHERITED.into_iter().filter_map(set).collect()
}

/// The path of this program, which containers run.
///
/// # Errors
/// [`Cause::Io`] if the system cannot report the path.
pub(super) fn executable() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Error::new(Cause::Io, "could not find this program's own file").caused_by(error))
}

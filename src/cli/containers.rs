//! What the commands that start containers need from this process.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::env::{self, Environment};
use crate::error::{Cause, Error, Result};

/// The variables of this process that containers inherit: where programs, home and temporary files are, and what to log.
pub(super) const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", env::RUST_LOG, env::SAGEMAKER_CONTAINER_LOG_LEVEL];

/// The variables that a container inherits.
pub(super) fn inherited(environment: &Environment) -> BTreeMap<String, String> {
    let set = |name: &str| Some((name.to_owned(), environment.get(name)?.to_owned()));
    INHERITED.into_iter().filter_map(set).collect()
}

/// The file of this program, which containers run.
///
/// # Errors
/// [`Cause::Io`] if the system does not tell.
pub(super) fn executable() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Error::new(Cause::Io, "could not find this program's own file").caused_by(error))
}

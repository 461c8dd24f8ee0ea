//! Command lines for tests.

use super::settings::raw::RawSettings;
use super::table;
use crate::env::Environment;

/// The raw settings of a command with these flags and this environment.
pub(super) fn raw_settings(command: &str, flags: &[&str], environment: Environment) -> RawSettings {
    let line = [&["byoc", command], flags].concat();
    let mut matches = table::command_line().try_get_matches_from(line).unwrap_or_else(|error| panic!("{error}"));
    let (_, matches) = matches.remove_subcommand().expect("a command");
    RawSettings::new(matches, environment)
}

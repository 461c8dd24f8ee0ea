//! The settings of the command line and the environment as text.

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::description::{Arity, Description};
use super::problems::Problems;
use super::source::Source;
use crate::env::Environment;

/// The arguments of one command and the environment, not yet parsed.
#[derive(Debug)]
pub(in crate::cli) struct RawSettings {
    matches: ArgMatches,
    environment: Environment,
}

impl RawSettings {
    pub(in crate::cli) fn new(matches: ArgMatches, environment: Environment) -> RawSettings {
        RawSettings { matches, environment }
    }

    pub(in crate::cli) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Reads a group of settings, and returns it with the problems found.
    pub(in crate::cli) fn read<G: Group>(&self) -> (G, Problems) {
        let mut problems = Problems::default();
        (G::read(self, &mut problems), problems)
    }

    /// The values of a setting: those of its flag, else that of the first of its variables that is set.
    pub(super) fn values(&self, setting: &Description) -> Option<(Source, Vec<OsString>)> {
        if let Some(flag) = setting.flag
            && let Some(values) = self.flag_values(setting)
        {
            return Some((Source::Flag(flag.name), values));
        }
        let (variable, value) =
            setting.variables.iter().find_map(|variable| Some((*variable, self.environment.get(variable)?)))?;
        Some((Source::Variable(variable), vec![value.into()]))
    }

    /// The value of a setting, if it is set. The values of a repeated flag are joined by commas.
    pub(in crate::cli) fn value(&self, setting: &Description) -> Option<(Source, OsString)> {
        let (source, values) = self.values(setting)?;
        Some((source, values.join(OsStr::new(","))))
    }

    /// The values of the setting's flag on the command line.
    pub(in crate::cli) fn flag_values(&self, setting: &Description) -> Option<Vec<OsString>> {
        let flag = setting.flag?;
        if self.matches.value_source(flag.name) != Some(ValueSource::CommandLine) {
            return None;
        }
        match flag.arity {
            Arity::Switch => Some(vec!["true".into()]),
            _ => Some(self.matches.get_raw(flag.name)?.map(OsStr::to_owned).collect()),
        }
    }

    /// Whether the command line has the setting's flag.
    pub(in crate::cli) fn has_flag(&self, setting: &Description) -> bool {
        self.flag_values(setting).is_some()
    }
}

/// The settings of a command, or a group that several commands share. `settings!` implements this.
pub(in crate::cli) trait Group: Sized {
    /// The documentation of the group.
    const ABOUT: &'static str;

    /// The rows of the group, in the order of the help and the reference.
    fn descriptions() -> Vec<Description>;

    /// Reads all rows, and reports all problems with them.
    fn read(raw: &RawSettings, problems: &mut Problems) -> Self;
}

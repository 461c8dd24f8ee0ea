//! The table of settings: one file per command, and two for the settings that several commands share.

pub(super) mod common;
pub(super) mod endpoint;
pub(super) mod inspect;
pub(super) mod scikit_learn;
pub(super) mod serve;
pub(super) mod train;
pub(super) mod transform;

use clap::Command;

use super::settings::description::{Description, paragraphs};
use super::settings::raw::Group;

/// The commands of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandName {
    Endpoint,
    Inspect,
    Licenses,
    Serve,
    Train,
    Transform,
}

impl CommandName {
    /// All commands, in the order of the help.
    pub(super) const ALL: [CommandName; 6] = [
        CommandName::Endpoint,
        CommandName::Inspect,
        CommandName::Licenses,
        CommandName::Serve,
        CommandName::Train,
        CommandName::Transform,
    ];

    /// The name that a user types.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            CommandName::Endpoint => "endpoint",
            CommandName::Inspect => "inspect",
            CommandName::Licenses => "licenses",
            CommandName::Serve => "serve",
            CommandName::Train => "train",
            CommandName::Transform => "transform",
        }
    }

    pub(super) fn parse(text: &str) -> Option<CommandName> {
        CommandName::ALL.into_iter().find(|command| command.as_str() == text)
    }

    /// What the command does, in paragraphs. The help shows the first one.
    pub(super) fn about(self) -> Vec<String> {
        paragraphs(match self {
            CommandName::Endpoint => endpoint::Endpoint::ABOUT,
            CommandName::Inspect => inspect::Inspect::ABOUT,
            CommandName::Licenses => "Print the licences of all software in this program",
            CommandName::Serve => serve::Serve::ABOUT,
            CommandName::Train => train::Train::ABOUT,
            CommandName::Transform => transform::Transform::ABOUT,
        })
    }

    /// The settings of the command.
    pub(super) fn settings(self) -> Vec<Description> {
        match self {
            CommandName::Endpoint => endpoint::Endpoint::descriptions(),
            CommandName::Inspect => inspect::Inspect::descriptions(),
            CommandName::Licenses => Vec::new(),
            CommandName::Serve => serve::Serve::descriptions(),
            CommandName::Train => train::Train::descriptions(),
            CommandName::Transform => transform::Transform::descriptions(),
        }
    }

    fn command(self) -> Command {
        let about = self.about().into_iter().next().unwrap_or_default();
        Command::new(self.as_str()).about(about).args(self.settings().iter().filter_map(Description::argument))
    }
}

/// The command line of the program.
///
/// If an option is repeated, the last value wins, so that the caller of a script can override the script's options.
/// Only options that may be repeated keep all their values.
pub(super) fn command_line() -> Command {
    Command::new("byoc")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The runtime for bringing your own container to SageMaker")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args_override_self(true)
        .subcommands(CommandName::ALL.map(CommandName::command))
}

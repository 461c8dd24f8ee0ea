//! The command line: a file with `run` for each command, and the table of settings.
//!
//! Only this folder reads arguments and converts variables to settings. The rest of the program gets values.

mod containers;
mod endpoint;
mod hints;
mod inspect;
mod licenses;
mod misplaced;
mod overrides;
#[cfg(test)]
mod reference;
mod serve;
mod settings;
mod table;
#[cfg(test)]
mod testing;
mod train;
mod transform;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::telemetry::logs::FATAL_ERROR_PREFIX;
use crate::telemetry::{printable, stdout_error};
use byoc_formats::error::chain;
use settings::raw::RawSettings;
use table::CommandName;

/// The image also has the binary under these names on its PATH, so that a plain `serve` works like `byoc serve`.
const COMMANDS_BY_NAME: [&str; 2] = ["serve", "train"];

/// Runs the command that the arguments name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = with_command_name(arguments.into_iter().collect());
    let mut matches = match table::command_line().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return print_help_or_usage_error(error, &arguments),
    };
    let (name, matches) = matches.remove_subcommand().expect("clap requires a command");
    let command = CommandName::parse(&name).expect("clap knows no other commands");
    let raw = RawSettings::new(matches, Environment::of_this_process());
    let outcome = match command {
        CommandName::Endpoint => endpoint::run(&raw),
        CommandName::Inspect => inspect::run(&raw),
        CommandName::Licenses => licenses::run(),
        CommandName::Serve => serve::run(&raw),
        CommandName::Train => train::run(&raw),
        CommandName::Transform => transform::run(&raw),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error, hints::hint(command, &error));
            ExitCode::from(error.cause().row().exit_code)
        }
    }
}

fn print_help_or_usage_error(error: clap::Error, arguments: &[OsString]) -> ExitCode {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let error = misplaced::suggest(error, &words);
    let printed = error.print();
    if !error.use_stderr() {
        return match stdout_error::check(printed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                print_error(&error, hints::io_hint(&error).unwrap_or(error.cause().row().hint));
                ExitCode::from(error.cause().row().exit_code)
            }
        };
    }
    let _ = inspect::print_usage_error_as_json(&words, &error.render().to_string());
    ExitCode::from(Cause::BadRequest.row().exit_code)
}

/// Inserts the command's name into the arguments if the program was called by that name.
fn with_command_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    if let Some(command) = COMMANDS_BY_NAME.into_iter().find(|command| called == Some(command)) {
        // Otherwise help would show `train train`.
        if let Some(program) = arguments.first_mut() {
            *program = "byoc".into();
        }
        // With the entry point `serve`, `docker run IMAGE serve` passes the name twice.
        if arguments.get(1).is_none_or(|argument| argument != command) {
            arguments.insert(1, command.into());
        }
    }
    arguments
}

/// Prints a text to standard output.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout_error::check(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

fn print_error(error: &Error, hint: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(
        stderr,
        "{FATAL_ERROR_PREFIX}{}\n{FATAL_ERROR_PREFIX}{hint}",
        printable::lines(&chain(error).to_string())
    );
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;
    use crate::cli::settings::description::Arity;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        table::command_line().debug_assert();
    }

    #[test]
    fn the_last_value_of_a_repeated_option_wins() {
        let once_more: Vec<(&str, String, String, Vec<OsString>)> = table::command_line()
            .get_subcommands()
            .flat_map(|command| {
                let name = command.get_name().to_owned();
                let options = command.get_arguments().filter(|argument| argument.get_long().is_some());
                let once = options.filter(|option| !matches!(option.get_action(), ArgAction::Help | ArgAction::Append));
                once.map(|option| {
                    let id = option.get_id().to_string();
                    let flag = format!("--{}", option.get_long().unwrap_or_default());
                    let values = option.get_action().takes_values();
                    let with = |value: &str| if values { format!("{flag}={value}") } else { flag.clone() };
                    let mut line = words(&["byoc", &name, &with("first"), &with("last")]);
                    // The argument that the command requires.
                    line.extend((name == "inspect").then(|| "model".into()));
                    (if values { "last" } else { "true" }, id, name.clone(), line)
                })
                .collect::<Vec<_>>()
            })
            .collect();
        let in_table = CommandName::ALL.into_iter().flat_map(CommandName::settings);
        let once = in_table.filter_map(|setting| setting.flag);
        let once = once.filter(|flag| matches!(flag.arity, Arity::One | Arity::Switch));
        assert_eq!(once_more.len(), once.count());
        for (expected, id, name, line) in once_more {
            let matches = table::command_line().try_get_matches_from(&line);
            let matches = matches.unwrap_or_else(|error| panic!("{line:?}: {error}"));
            let values: Vec<_> = matches.subcommand_matches(&name).unwrap().get_raw(&id).unwrap().collect();
            assert_eq!(values, [expected], "{line:?}");
        }
    }

    #[test]
    fn every_default_in_the_table_can_be_parsed() {
        let environment = Environment::default;
        testing::raw_settings("endpoint", &[], environment()).read::<table::endpoint::Endpoint>();
        testing::raw_settings("inspect", &["model"], environment()).read::<table::inspect::Inspect>();
        testing::raw_settings("serve", &[], environment()).read::<table::serve::Serve>();
        testing::raw_settings("train", &[], environment()).read::<table::train::Train>();
        testing::raw_settings("transform", &[], environment()).read::<table::transform::Transform>();
    }

    #[test]
    fn every_variable_that_other_modules_name_is_in_the_table() {
        let of_table: Vec<_> = CommandName::ALL
            .into_iter()
            .flat_map(CommandName::settings)
            .flat_map(|setting| setting.variables.iter().copied())
            .collect();
        for name in crate::env::SETTINGS {
            assert!(of_table.contains(name), "{name}");
        }
    }

    #[test]
    fn a_binary_called_by_a_commands_name_runs_that_command() {
        assert_eq!(
            with_command_name(words(&["/usr/bin/serve", "--port", "1"])),
            words(&["byoc", "serve", "--port", "1"])
        );
        assert_eq!(with_command_name(words(&["serve", "serve"])), words(&["byoc", "serve"]));
        assert_eq!(with_command_name(words(&["byoc", "serve"])), words(&["byoc", "serve"]));
        assert_eq!(with_command_name(words(&[])), words(&[]));
    }
}

//! The command line: one file a command, its arguments and its `run`.
//!
//! What was typed becomes what is true here and nowhere else: no other room sees an argument or the environment.

mod endpoint;
mod hints;
mod inspect;
mod licenses;
mod misplaced;
mod overrides;
mod serve;
mod settings;
mod train;
mod transform;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::telemetry::printable;

/// The runtime for bringing your own container to SageMaker.
///
/// Of an option that is given twice the last wins, so that whoever calls a script that gives one can give it again. That is so
/// for all commands, and for switches; only what may be given several times keeps all that it is given.
#[derive(Debug, Parser)]
#[command(name = "byoc", version, about = "The runtime for bringing your own container to SageMaker", long_about = None)]
#[command(arg_required_else_help = true, args_override_self = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Endpoint(endpoint::Arguments),
    Inspect(inspect::Arguments),
    Licenses(licenses::Arguments),
    Serve(serve::Arguments),
    Train(train::Arguments),
    Transform(Box<transform::Arguments>),
}

/// The image has the binary under these names on its PATH too, so that `docker run IMAGE serve` and a plain `serve` are one.
const COMMANDS_BY_NAME: [&str; 2] = ["serve", "train"];

/// Runs the command that the arguments name, and says how it went.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = by_name(arguments.into_iter().collect());
    let command_line = match CommandLine::try_parse_from(&arguments) {
        Ok(command_line) => command_line,
        Err(error) => {
            let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            let error = misplaced::suggest(error, &words);
            // A closed pipe is no reason to fail: whoever read has read enough.
            let _ = error.print();
            if error.use_stderr() {
                let _ = inspect::wrong_command_line(&words, &error.render().to_string());
            }
            return if error.use_stderr() {
                ExitCode::from(Cause::BadRequest.row().exit_code)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let environment = Environment::of_this_process();
    let command = command_line.command;
    let outcome = match &command {
        Command::Endpoint(arguments) => endpoint::run(arguments, &environment),
        Command::Inspect(arguments) => inspect::run(arguments, &environment),
        Command::Licenses(licenses::Arguments {}) => licenses::run(),
        Command::Serve(arguments) => serve::run(arguments, &environment),
        Command::Train(arguments) => train::run(arguments, &environment),
        Command::Transform(arguments) => transform::run(arguments, &environment),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error, hints::hint(&command, error.cause()));
            ExitCode::from(error.cause().row().exit_code)
        }
    }
}

/// Puts the command's name into the arguments where the program was called by it.
fn by_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    if let Some(command) = COMMANDS_BY_NAME.into_iter().find(|command| called == Some(command)) {
        // Help that says `train train` helps nobody.
        if let Some(program) = arguments.first_mut() {
            *program = "byoc".into();
        }
        // `docker run IMAGE serve` with `serve` as the entry point says it twice.
        if arguments.get(1).is_none_or(|argument| argument != command) {
            arguments.insert(1, command.into());
        }
    }
    arguments
}

/// Prints what was asked for.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::new(Cause::Io, format!("could not write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

fn complain(error: &Error, hint: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "byoc: {}\nbyoc: {hint}", printable::lines(&error.to_string()));
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory as _};

    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn of_an_option_given_twice_the_last_wins_whichever_it_is() {
        let once_more: Vec<(String, Vec<OsString>)> = CommandLine::command()
            .get_subcommands()
            .flat_map(|command| {
                let name = command.get_name().to_owned();
                let options = command.get_arguments().filter(|argument| argument.get_long().is_some());
                let once = options.filter(|option| !matches!(option.get_action(), ArgAction::Help | ArgAction::Append));
                once.map(|option| {
                    let flag = format!("--{}", option.get_long().unwrap_or_default());
                    let values = option.get_action().takes_values();
                    let with = |value: &str| if values { format!("{flag}={value}") } else { flag.clone() };
                    let mut line = words(&["byoc", &name, &with("first"), &with("last")]);
                    // What a command cannot do without.
                    line.extend((name == "inspect").then(|| "model".into()));
                    (flag, line)
                })
                .collect::<Vec<_>>()
            })
            .collect();
        assert!(once_more.len() > 50, "{}", once_more.len());
        for (flag, line) in once_more {
            let parsed = CommandLine::try_parse_from(&line);
            let parsed = parsed.unwrap_or_else(|error| panic!("{line:?}: {error}"));
            let parsed = format!("{parsed:?}");
            let takes_values = line.iter().any(|word| word.to_string_lossy().ends_with("=last"));
            assert!(!takes_values || parsed.contains("\"last\"") && !parsed.contains("\"first\""), "{flag}: {parsed}");
        }
    }

    #[test]
    fn called_by_a_commands_name_the_binary_is_that_command() {
        assert_eq!(by_name(words(&["/usr/bin/serve", "--port", "1"])), words(&["byoc", "serve", "--port", "1"]));
        assert_eq!(by_name(words(&["serve", "serve"])), words(&["byoc", "serve"]));
        assert_eq!(by_name(words(&["byoc", "serve"])), words(&["byoc", "serve"]));
        assert_eq!(by_name(words(&[])), words(&[]));
    }
}

//! Suggestions for command lines with an unexpected argument: the option that the user probably meant.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::table::CommandName;
use super::table::endpoint::Endpoint;
use super::table::serve::Serve;
use super::table::train::Files;
use super::table::transform::{Transform, row};
use crate::transform::Member;
use byoc_formats::file_kind::{FileKind, begins_as_pickle};
use byoc_linear_learner::train::hyperparameter_names;

/// The option whose value users often write without the option.
fn main_option(command: CommandName) -> Option<String> {
    match command {
        CommandName::Serve => Some(Serve::model_dir.flag()),
        CommandName::Transform => Some(Transform::model.flag()),
        CommandName::Endpoint => Some(Endpoint::config.flag()),
        CommandName::Train => Some(Files::train.flag()),
        CommandName::Inspect | CommandName::Licenses => None,
    }
}

/// Adds a suggestion to the error if there is one. The first of `arguments` is the name of the program.
pub(super) fn suggest(mut error: clap::Error, arguments: &[String]) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(invalid_argument(error.kind())) else { return error };
    let command = arguments.get(1).map(String::as_str).unwrap_or_default();
    let Some(intended) = intended(command, word, arguments) else { return error };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![format!("did you mean {intended}?").into()]));
    // clap's own suggestion, to put the argument after `--`, does not help here.
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::SuggestedSubcommand);
    error
}

fn invalid_argument(kind: ErrorKind) -> ContextKind {
    match kind {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => ContextKind::InvalidArg,
    }
}

/// The `--hp` option for a hyperparameter that was written as an option.
fn hyperparameter_option(word: &str, flag: &str, arguments: &[String]) -> Option<String> {
    let name = flag.split_once('=').map_or(flag, |(name, _)| name).replace('-', "_");
    let is_known = name == "preprocessor" || hyperparameter_names().any(|known| known == name);
    let value = arguments.iter().enumerate().find_map(|(at, argument)| match argument.strip_prefix(word)? {
        "" => arguments.get(at + 1).filter(|next| !next.starts_with("--")).map(String::as_str),
        rest => rest.strip_prefix('='),
    });
    is_known.then(|| format!("--hp {name}={}", value.unwrap_or("VALUE")))
}

fn intended(command: &str, word: &str, arguments: &[String]) -> Option<String> {
    if command == word {
        // A path instead of a command.
        let is_path = word.contains(['/', '.']) || Path::new(word).exists();
        return is_path.then(|| format!("byoc serve --model-dir {word}, or byoc inspect {word}"));
    }
    if command == "inspect" {
        // `inspect` takes its path without the option that other commands have for it.
        let flag = [Serve::model_dir.flag(), Transform::model.flag()].into_iter().find(|flag| *flag == word)?;
        let behind = arguments.iter().position(|argument| *argument == flag).and_then(|at| arguments.get(at + 1));
        return Some(format!("byoc inspect {}", behind.map_or("PATH", String::as_str)));
    }
    if let Some(flag) = word.strip_prefix("--") {
        return (command == "train").then(|| hyperparameter_option(word, flag, arguments)).flatten();
    }
    if word.starts_with('-') {
        return None;
    }
    let command = CommandName::parse(command)?;
    let option = main_option(command)?;
    let is_given = |option: &str| {
        let is_it = |argument: &String| {
            argument.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        arguments.iter().any(is_it)
    };
    let flag = |member| row(member).flag.map(|flag| format!("--{}", flag.name));
    let (input, output) = (flag(Member::S3Uri)?, flag(Member::S3OutputPath)?);
    let option = match command {
        CommandName::Transform if is_given(&option) && is_given(&input) => output,
        CommandName::Transform if is_given(&option) || is_data_file(word) => input,
        _ => option,
    };
    Some(format!("{option} {word}"))
}

/// Whether an argument is a data file rather than a model, by its name and its first bytes.
fn is_data_file(word: &str) -> bool {
    let path = Path::new(word);
    // A JSON file may be CreateModel's request, and a URL may be a container's.
    let is_data = |ending: &std::ffi::OsStr| !word.starts_with("http") && !word.ends_with('/') && ending != "json";
    path.extension().is_some_and(is_data) && FileKind::of(path).is_none() && !path.is_dir() && !begins_as_pickle(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_stray_argument_of_transform_tells_whether_it_is_a_model_or_its_input() {
        for (line, expected) in [
            ("house.csv", "--input house.csv"),
            ("examples/houses.csv.gz", "--input examples/houses.csv.gz"),
            ("s3://bucket/in/rows.jsonl", "--input s3://bucket/in/rows.jsonl"),
            ("model.joblib", "--model model.joblib"),
            ("m/model.tar.gz", "--model m/model.tar.gz"),
            ("model_algo-1", "--model model_algo-1"),
            ("pipeline.json", "--model pipeline.json"),
            ("folder", "--model folder"),
            ("http://127.0.0.1:8080", "--model http://127.0.0.1:8080"),
            ("folder --model m", "--input folder"),
            ("folder --model=m --input in", "--output folder"),
        ] {
            let arguments: Vec<String> =
                ["byoc", "transform"].into_iter().chain(line.split(' ')).map(str::to_owned).collect();
            let word = line.split(' ').next().unwrap();
            assert_eq!(intended("transform", word, &arguments).as_deref(), Some(expected), "{line}");
        }
    }
}

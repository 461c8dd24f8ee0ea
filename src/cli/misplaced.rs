//! What was probably meant by a word that a command does not take: the option that it should have stood behind.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use byoc_formats::file_kind::{FileKind, begins_as_pickle};
use byoc_linear_learner::train::hyperparameter_names;

/// The option of a command that takes what its users like to write alone, and what may be written so.
const OPTIONS: [(&str, &str); 4] =
    [("serve", "--model-dir"), ("transform", "--model"), ("endpoint", "--config"), ("train", "--train")];
/// What other commands have for the path that `inspect` takes alone.
const OF_INSPECT: [&str; 2] = ["--model-dir", "--model"];

/// The same error with what was meant, where that can be told. `arguments` are those of the program, its name first.
pub(super) fn suggest(mut error: clap::Error, arguments: &[String]) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(wrong_word(error.kind())) else { return error };
    let command = arguments.get(1).map(String::as_str).unwrap_or_default();
    let Some(meant) = meant(command, word, arguments) else { return error };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![format!("did you mean {meant}?").into()]));
    // clap's own, of a word behind `--`, is none here.
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::SuggestedSubcommand);
    error
}

fn wrong_word(kind: ErrorKind) -> ContextKind {
    match kind {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => ContextKind::InvalidArg,
    }
}

/// A hyperparameter that was written as an option, with its value where that can be told.
fn of_hyperparameter(word: &str, flag: &str, arguments: &[String]) -> Option<String> {
    let name = flag.split_once('=').map_or(flag, |(name, _)| name).replace('-', "_");
    let is_known = name == "preprocessor" || hyperparameter_names().any(|known| known == name);
    let value = arguments.iter().enumerate().find_map(|(at, argument)| match argument.strip_prefix(word)? {
        "" => arguments.get(at + 1).filter(|next| !next.starts_with("--")).map(String::as_str),
        rest => rest.strip_prefix('='),
    });
    is_known.then(|| format!("--hp {name}={}", value.unwrap_or("VALUE")))
}

fn meant(command: &str, word: &str, arguments: &[String]) -> Option<String> {
    if command == word {
        // A path where a command should stand.
        let is_path = word.contains(['/', '.']) || Path::new(word).exists();
        return is_path.then(|| format!("byoc serve --model-dir {word}, or byoc inspect {word}"));
    }
    if command == "inspect" {
        let flag = OF_INSPECT.into_iter().find(|flag| *flag == word)?;
        let behind = arguments.iter().position(|argument| argument == flag).and_then(|at| arguments.get(at + 1));
        return Some(format!("byoc inspect {}", behind.map_or("PATH", String::as_str)));
    }
    if let Some(flag) = word.strip_prefix("--") {
        return (command == "train").then(|| of_hyperparameter(word, flag, arguments)).flatten();
    }
    if word.starts_with('-') {
        return None;
    }
    let (_, option) = OPTIONS.into_iter().find(|(known, _)| *known == command)?;
    let is_given = |option: &str| {
        let is_it = |argument: &String| {
            argument.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        arguments.iter().any(is_it)
    };
    let option = match command {
        "transform" if is_given("--model") && is_given("--input") => "--output",
        "transform" if is_given("--model") || names_no_model(word) => "--input",
        _ => option,
    };
    Some(format!("{option} {word}"))
}

/// Whether a word names a file, and no model by its name or by how it begins.
fn names_no_model(word: &str) -> bool {
    let path = Path::new(word);
    // JSON may be CreateModel's request, and a URL a container's.
    let is_data = |ending: &std::ffi::OsStr| !word.starts_with("http") && !word.ends_with('/') && ending != "json";
    path.extension().is_some_and(is_data) && FileKind::of(path).is_none() && !path.is_dir() && !begins_as_pickle(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_alone_behind_transform_is_a_model_or_its_input_by_its_name() {
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
            assert_eq!(meant("transform", word, &arguments).as_deref(), Some(expected), "{line}");
        }
    }
}

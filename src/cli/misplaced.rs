//! What was probably meant by a word that a command does not take: the option that it should have stood behind.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

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
    if word.starts_with('-') {
        return None;
    }
    let (_, option) = OPTIONS.into_iter().find(|(known, _)| *known == command)?;
    Some(format!("{option} {word}"))
}

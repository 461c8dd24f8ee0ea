//! Scripts beside a model that SageMaker's own container would run. They are not run here, only reported.
//!
//! SageMaker's framework containers import a script, usually `code/inference.py`, and call its functions to read
//! requests, predict and write answers (github.com/aws/sagemaker-inference-toolkit; `model_fn`, `input_fn`,
//! `predict_fn`, `output_fn`, `transform_fn`). Since none of it is executed here, the log says which scripts there are
//! and what they define.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The functions that a script may define to replace those of the container.
const FUNCTIONS: [&str; 5] = ["model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn"];

/// The default name of the script.
const INFERENCE: &str = "inference.py";

/// The folder for scripts in a model's folder.
const CODE: &str = "code";

/// The limits of the search: scripts, levels of folders below `code/`, and bytes that are read of each script.
const MAX_SCRIPTS: usize = 256;
const MAX_DEPTH: usize = 3;
const MAX_BYTES: u64 = 1 << 20;

/// A script that is not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Script {
    /// Its path in the model's folder.
    pub file: String,
    /// The functions of the container that it replaces.
    pub defines: Vec<&'static str>,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.defines.as_slice() {
            [] => f.write_str(&self.file),
            functions => write!(f, "{} ({})", self.file, functions.join(", ")),
        }
    }
}

impl Script {
    /// The scripts in a model's folder: those that define one of the functions, and any `inference.py`.
    pub(super) fn in_folder(folder: &Path) -> Vec<Script> {
        let mut files = scripts_at(folder);
        files.extend(Script::scripts_below_code(folder));
        let script = |file: PathBuf| {
            let defines = defined_in(&file);
            let is_named = file.file_name().is_some_and(|name| name == INFERENCE);
            let relative = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
            (is_named || !defines.is_empty()).then_some(Script { file: relative, defines })
        };
        files.into_iter().take(MAX_SCRIPTS).filter_map(script).collect()
    }

    fn scripts_below_code(folder: &Path) -> Vec<PathBuf> {
        let (mut files, mut level) = (Vec::new(), vec![folder.join(CODE)]);
        for _ in 0..MAX_DEPTH {
            files.extend(level.iter().flat_map(|folder| scripts_at(folder)));
            level = level.iter().flat_map(|folder| entries_of(folder)).filter(|entry| entry.is_dir()).collect();
        }
        files
    }

    /// The warning when the model is loaded; `None` if there are no scripts.
    pub fn warning(scripts: &[Script]) -> Option<String> {
        let names: Vec<String> = scripts.iter().map(Script::to_string).collect();
        let (is, it) = match names.len() {
            0 => return None,
            1 => ("is", "it does"),
            _ => ("are", "they do"),
        };
        Some(format!(
            "{} {is} not run: answers come directly from the model; if {it} more than that with requests, predictions \
             or answers, run your own container behind the endpoint: --container NAME=URL",
            names.join(", ")
        ))
    }
}

fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.take(MAX_SCRIPTS).map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

fn scripts_at(folder: &Path) -> Vec<PathBuf> {
    let is_script = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "py") && path.is_file();
    entries_of(folder).into_iter().filter(is_script).collect()
}

/// The functions that a script defines or imports at its top level, found by comparing its lines with patterns.
fn defined_in(script: &Path) -> Vec<&'static str> {
    let mut text = Vec::new();
    if File::open(script).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut text)).is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&text);
    let defines = |function: &str| text.lines().any(|line| is_definition(line, function));
    FUNCTIONS.into_iter().filter(|function| defines(function)).collect()
}

/// Whether a line is `def predict_fn(`, `predict_fn = …` or `from … import …, predict_fn`.
fn is_definition(line: &str, function: &str) -> bool {
    let is_it = |rest: &str, next: &[char]| {
        rest.trim_start().strip_prefix(function).is_some_and(|rest| rest.trim_start().starts_with(next))
    };
    let line = line.strip_prefix("async ").map_or(line, str::trim_start);
    if let Some(rest) = line.strip_prefix("def ") {
        return is_it(rest, &['(']);
    }
    if let Some((_, names)) = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
        let is_name = |character: char| character.is_alphanumeric() || character == '_';
        return names.split(|character| !is_name(character)).any(|name| name == function);
    }
    is_it(line, &['=', ':']) && !line.starts_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_function_is_defined_by_a_line_at_the_top_level() {
        for (line, expected) in [
            ("def predict_fn(data, model):", true),
            ("def  predict_fn (data, model):", true),
            ("async def predict_fn(data):", true),
            ("predict_fn = other", true),
            ("predict_fn: Callable = other", true),
            ("from handlers import model_fn, predict_fn", true),
            ("from handlers import (predict_fn as p)", true),
            ("    def predict_fn(self):", false),
            ("    predict_fn = 1", false),
            ("def predict_fn2(data):", false),
            ("def my_predict_fn(data):", false),
            ("# def predict_fn(data):", false),
            ("predict_fn(data)", false),
            ("from handlers import predict_fn2", false),
        ] {
            assert_eq!(is_definition(line, "predict_fn"), expected, "{line}");
        }
    }

    #[test]
    fn scripts_are_found_at_the_top_level_and_below_code() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Script::in_folder(folder.path()).is_empty());
        for (name, text) in [
            ("inference.py", "import os\n"),
            ("handlers.py", "def output_fn(p, a):\n    pass\ndef model_fn(d): pass\n"),
            ("code/inference.py", "def input_fn(b, t):\n    return b\n"),
            ("code/src/serve.py", "def predict_fn(d, m):\n    return 1\n"),
            ("code/train.py", "def train():\n    pass\n"),
            ("code/requirements.txt", "def predict_fn("),
            ("lib/other.py", "def predict_fn(d, m): pass\n"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let listed = |scripts: Vec<Script>| scripts.iter().map(Script::to_string).collect::<Vec<_>>().join("; ");
        assert_eq!(
            listed(Script::in_folder(folder.path())),
            "handlers.py (model_fn, output_fn); inference.py; code/inference.py (input_fn); code/src/serve.py \
             (predict_fn)"
        );
        let warning = Script::warning(&Script::in_folder(folder.path())).unwrap();
        assert!(
            warning.contains("code/inference.py (input_fn), code/src/serve.py (predict_fn) are not run"),
            "{warning}"
        );
        assert_eq!(Script::warning(&[]), None);
    }
}

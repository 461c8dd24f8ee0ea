//! Generates `docs/reference.md` from the table of settings and the error table.
//!
//! `UPDATE=1 cargo test -p byoc --lib reference` writes the page. Without `UPDATE` the test fails if the page is stale.

use std::path::Path;

use super::containers;
use super::settings::description::{Arity, Default, Description, paragraphs};
use super::table::CommandName;
use crate::env::{self, Environment};
use crate::error::{Cause, Row};

const REFRESH: &str = "UPDATE=1 cargo test -p byoc --lib reference";

const BEGINNING: &str = "\
# Reference

Every command with its flags, environment variables and defaults, and the exit codes.

- A flag wins over its variable, and a variable over the default. If a flag is repeated, the last value wins; only flags
  that may be repeated keep all their values.
- A variable that is empty or blank counts as not set. If a setting has several variables, the first one that is set is
  used.
- All invalid settings are reported together, with exit code 78. `byoc COMMAND --help` has a shorter list of the
  settings.
- A size is a number of bytes, or a number with K, M or G (powers of 1,024; `KB` and `KiB` mean the same).
- A boolean is `true`, `1`, `yes` or `on`, or `false`, `0`, `no` or `off`, in any case.
- If the program is called by the name `serve` or `train`, it runs that command.
";

fn reference() -> String {
    let mut page = format!(
        "<!-- Generated from src/cli/table, src/env.rs and src/error/cause.rs by: {REFRESH} -->\n\n{BEGINNING}"
    );
    for command in CommandName::ALL {
        page.push_str(&format!("\n## byoc {}\n", command.as_str()));
        for paragraph in command.about() {
            page.push_str(&format!("\n{}\n", wrapped(&format!("{paragraph}."))));
        }
        page.push_str(&settings_table(&command.settings()));
    }
    page.push_str(&inherited());
    page.push_str(&s3_table());
    page.push_str(&error_table());
    page
}

fn settings_table(settings: &[Description]) -> String {
    let (with_flag, without): (Vec<_>, Vec<_>) = settings.iter().partition(|setting| setting.flag.is_some());
    let mut table = String::new();
    if !with_flag.is_empty() {
        table.push_str("\n| flag | variable | default | meaning |\n| --- | --- | --- | --- |\n");
    }
    for setting in with_flag {
        let cells = [flag(setting), variables(setting), default(setting), meaning(setting)];
        table.push_str(&row(&cells));
    }
    if !without.is_empty() {
        table.push_str("\n| variable without a flag | default | meaning |\n| --- | --- | --- |\n");
    }
    for setting in without {
        table.push_str(&row(&[variables(setting), default(setting), meaning(setting)]));
    }
    table
}

fn inherited() -> String {
    let names: Vec<_> = containers::INHERITED.iter().map(|name| code(name)).collect();
    let text = format!(
        "A container that `byoc endpoint` or `byoc transform` starts inherits {}, and no other variable. In addition \
         it gets the variables of its model's Environment, and those that SageMaker sets.",
        names.join(", ")
    );
    format!("\n## What containers inherit\n\n{}\n", wrapped(&text))
}

fn s3_table() -> String {
    let mut table = "\n## Access to S3\n\nCommands that read or write S3 use the variables of the AWS SDKs. With a \
                     profile or SSO, set them with\n`eval \"$(aws configure export-credentials --format env)\"`.\n\n\
                     | variable | meaning |\n| --- | --- |\n"
        .to_owned();
    for variable in env::S3 {
        table.push_str(&row(&[code(variable.name), paragraphs(variable.documentation).join(" ")]));
    }
    table
}

/// The error table, by exit code.
fn error_table() -> String {
    let mut table =
        "\n## Exit codes and errors\n\nA command that succeeds exits with 0, and one that fails with the exit \
                     code of its error. A failed request gets\nthe HTTP status and the type. Training and `byoc \
                     inspect` have their own hints for some errors.\n\n\
                     | exit code | HTTP status and type | error | what to do |\n| --- | --- | --- | --- |\n"
            .to_owned();
    let mut rows: Vec<_> = Cause::ALL.iter().map(|cause| cause.row()).collect();
    rows.sort_by_key(|row| (row.exit_code, row.status));
    for Row { meaning, status, kind, exit_code, hint } in rows {
        let status = format!("{status} {}", code(kind));
        table.push_str(&row(&[exit_code.to_string(), status, paragraphs(meaning).join(" "), hint.to_owned()]));
    }
    table
}

/// Wraps a paragraph at 120 characters.
fn wrapped(paragraph: &str) -> String {
    const WIDTH: usize = 120;
    let mut lines = vec![String::new()];
    for word in paragraph.split(' ') {
        let line = lines.last_mut().expect("starts with one line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

fn row(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn flag(setting: &Description) -> String {
    let Some(flag) = setting.flag else { return String::new() };
    match flag.arity {
        Arity::Positional => code(flag.placeholder),
        Arity::Switch => code(&format!("--{}", flag.name)),
        Arity::One => code(&format!("--{} {}", flag.name, flag.placeholder)),
        Arity::Repeated => format!("{}, may be repeated", code(&format!("--{} {}", flag.name, flag.placeholder))),
    }
}

fn variables(setting: &Description) -> String {
    let names: Vec<_> = setting.variables.iter().map(|name| code(name)).collect();
    let separator = if setting.is_repeated() && !names.is_empty() { ", separated by commas" } else { "" };
    format!("{}{separator}", names.join(", "))
}

fn default(setting: &Description) -> String {
    match setting.default {
        Default::Nothing => String::new(),
        Default::Value(text) => code(text),
        Default::Otherwise(text) => text.to_owned(),
    }
}

fn meaning(setting: &Description) -> String {
    let sentences: Vec<_> = setting
        .paragraphs()
        .into_iter()
        .map(|paragraph| if paragraph.ends_with('.') { paragraph } else { format!("{paragraph}.") })
        .collect();
    sentences.join(" ")
}

#[test]
fn docs_reference_md_is_generated_from_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let page = reference();
    if Environment::of_this_process().get("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/reference.md is stale; write it again: {REFRESH}");
}

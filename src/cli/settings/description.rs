//! A setting without its type and parser, for the help and the reference.

use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};

/// The command-line flag of a setting.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Flag {
    /// Its name, without the hyphens.
    pub(in crate::cli) name: &'static str,
    /// The placeholder for its value in the help.
    pub(in crate::cli) placeholder: &'static str,
    pub(in crate::cli) arity: Arity,
}

/// How many values a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Arity {
    /// One. If the flag is repeated, the last value wins.
    One,
    /// One for each occurrence of the flag.
    Repeated,
    /// Zero.
    Switch,
    /// A required argument without a flag.
    Positional,
}

/// What applies if a setting is not set.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Default {
    /// The setting has no value.
    Nothing,
    /// This value.
    Value(&'static str),
    /// Code computes the value. The text describes it.
    Otherwise(&'static str),
}

/// The documentation of a setting, without its type.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Description {
    pub(in crate::cli) flag: Option<Flag>,
    pub(in crate::cli) variables: &'static [&'static str],
    pub(in crate::cli) default: Default,
    /// The heading above the flag in the help.
    pub(super) heading: Option<&'static str>,
    /// Whether its value is a path, which may be non-Unicode.
    pub(super) is_path: bool,
    pub(super) documentation: &'static str,
}

impl Description {
    /// The paragraphs of the documentation. The help shows the first one.
    pub(in crate::cli) fn paragraphs(&self) -> Vec<String> {
        paragraphs(self.documentation)
    }

    pub(in crate::cli) fn is_repeated(&self) -> bool {
        self.flag.is_some_and(|flag| flag.arity == Arity::Repeated)
    }

    /// The clap argument of the flag. Its ID is the flag's name.
    pub(in crate::cli) fn argument(&self) -> Option<Arg> {
        let Flag { name, placeholder, arity } = self.flag?;
        let mut argument = Arg::new(name).help(self.help());
        if let Some(heading) = self.heading {
            argument = argument.help_heading(heading);
        }
        argument = match arity {
            Arity::Switch => return Some(argument.long(name).action(ArgAction::SetTrue)),
            Arity::One => {
                argument.long(name).value_name(placeholder).action(ArgAction::Set).allow_negative_numbers(true)
            }
            Arity::Repeated => {
                argument.long(name).value_name(placeholder).action(ArgAction::Append).allow_negative_numbers(true)
            }
            Arity::Positional => argument.value_name(placeholder).action(ArgAction::Set).required(true),
        };
        Some(if self.is_path { argument.value_parser(value_parser!(PathBuf)) } else { argument })
    }

    fn help(&self) -> String {
        let mut help = self.paragraphs().into_iter().next().unwrap_or_default();
        if self.is_repeated() {
            help.push_str(" [may be repeated]");
        }
        if let Some(variable) = self.variables.first() {
            let separator = if self.is_repeated() { ", separated by commas" } else { "" };
            help.push_str(&format!(" [env: {variable}{separator}]"));
        }
        match self.default {
            Default::Nothing => {}
            Default::Value(text) | Default::Otherwise(text) => help.push_str(&format!(" [default: {text}]")),
        }
        help
    }
}

/// The paragraphs of a documentation comment.
pub(in crate::cli) fn paragraphs(documentation: &str) -> Vec<String> {
    let lines: Vec<&str> = documentation.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ")).collect()
}

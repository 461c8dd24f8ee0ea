//! From what was typed or set to what is true: default, then environment, then flag; and every mistake in one report.

use crate::env::Environment;
use crate::error::{Cause, Error, Result};

/// Collects settings, and what is wrong with them.
pub(super) struct Settings<'a> {
    environment: &'a Environment,
    problems: Vec<String>,
    /// How many of them are only that nothing lies at a path.
    missing: usize,
}

impl<'a> Settings<'a> {
    pub(super) fn new(environment: &'a Environment) -> Settings<'a> {
        Settings { environment, problems: Vec::new(), missing: 0 }
    }

    /// A setting from its flag, else from the first of its variables that is set; `None` if it is nowhere, or wrong.
    pub(super) fn get<T>(
        &mut self,
        flag: (&str, Option<&str>),
        variables: &[&str],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (name, typed) = flag;
        let (source, text) = match typed {
            Some(text) => (format!("--{name}"), text),
            None => variables.iter().find_map(|variable| {
                Some((format!("environment variable {variable}"), self.environment.get(variable)?))
            })?,
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.problems.push(format!("{source} is {text:?}: {expected}"));
                None
            }
        }
    }

    /// Something that is wrong and that is no setting's alone.
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The same where nothing lies at the path that a setting names.
    pub(super) fn missing(&mut self, problem: String) {
        self.problems.push(problem);
        self.missing += 1;
    }

    /// Of a setting that [`Settings::get`] refused, that it was for want of what lies at a path.
    pub(super) fn last_was_missing(&mut self) {
        self.missing += 1;
    }

    /// Nothing, if nothing was wrong.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] with all that was; [`Cause::ModelNotFound`] where all of it is that nothing lies at a path.
    pub(super) fn finish(self) -> Result<()> {
        let cause = if self.missing == self.problems.len() { Cause::ModelNotFound } else { Cause::BadSetting };
        match self.problems.as_slice() {
            [] => Ok(()),
            [problem] => Err(Error::new(cause, problem)),
            problems => {
                Err(Error::new(cause, format!("{} settings are wrong:\n  {}", problems.len(), problems.join("\n  "))))
            }
        }
    }
}

/// Any text.
pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A yes or no, as SageMaker (`true`), its local mode (`True`) and people (`1`) write it.
pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

/// A whole number within bounds, both included.
pub(super) fn number(least: u64, most: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        text.trim()
            .parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}

/// Parses a size: bytes, or a number with K, M or G (powers of 1,024; `KB` and `KiB` mean the same).
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("expected bytes, or a number with K, M or G".into()),
    };
    match number.parse::<u64>() {
        Ok(number) => number.checked_mul(factor).ok_or_else(|| "that is more than 2^64 bytes".into()),
        Err(_) => match number.parse::<f64>() {
            Ok(number) if number * (factor as f64) < u64::MAX as f64 => Ok((number * factor as f64) as u64),
            _ => Err("expected bytes, or a number with K, M or G".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_an_earlier_variable_over_a_later_one() {
        let environment = Environment::from([("NEW", "1"), ("OLD", "2")]);
        let mut settings = Settings::new(&environment);
        assert_eq!(settings.get(("x", Some("3")), &["NEW", "OLD"], number(0, 9)), Some(3));
        assert_eq!(settings.get(("x", None), &["NEW", "OLD"], number(0, 9)), Some(1));
        assert_eq!(settings.get(("x", None), &["UNSET", "OLD"], number(0, 9)), Some(2));
        assert_eq!(settings.get(("x", None), &["UNSET"], number(0, 9)), None);
        settings.finish().unwrap();
    }

    #[test]
    fn all_mistakes_are_reported_together_each_with_where_it_came_from() {
        let environment = Environment::from([("QUEUE", "-1")]);
        let mut settings = Settings::new(&environment);
        assert_eq!(settings.get(("port", Some("abc")), &[], number(0, 65_535)), None);
        assert_eq!(settings.get(("queue", None), &["QUEUE"], number(1, 9)), None);
        let error = settings.finish().unwrap_err();
        assert_eq!(error.cause(), Cause::BadSetting);
        assert_eq!(
            error.message(),
            "2 settings are wrong:\n  --port is \"abc\": expected a whole number from 0 to 65535\n  \
             environment variable QUEUE is \"-1\": expected a whole number from 1 to 9"
        );
    }

    #[test]
    fn truth_is_read_in_any_case() {
        for (text, value) in [("true", true), ("True", true), ("1", true), ("FALSE", false), ("off", false)] {
            assert_eq!(truth(text), Ok(value), "{text}");
        }
        assert!(truth("maybe").is_err());
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("0", 0), ("65536", 65536), ("64K", 65536), ("1.5 MiB", 1_572_864), ("2g", 2 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "1T", "-1", "1e3", "99999999999999G"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}

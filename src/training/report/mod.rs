//! Progress reports of a training job: AWS's log lines, or a changing status line at a terminal.

pub(super) mod log_lines;
pub(super) mod terminal;

use crate::error::Result;
use crate::training::report::log_lines::LogLines;
use crate::training::report::terminal::Terminal;
use byoc_linear_learner::train::{Candidate, Event, Optimizer, Trained};
use std::io::Stdout;
use std::path::Path;

/// The form of the reports.
pub(in crate::training) enum Report {
    LogLines(Box<LogLines<Stdout>>),
    Terminal(Terminal),
}

impl Report {
    pub(in crate::training) fn hear(&mut self, event: Event<'_>) {
        match self {
            Report::LogLines(lines) => lines.hear(event),
            Report::Terminal(screen) => screen.hear(event),
        }
    }

    pub(in crate::training) fn written(&mut self, path: &Path, trained: &Trained) {
        match self {
            Report::LogLines(lines) => lines.written(path, trained),
            Report::Terminal(screen) => screen.written(path, trained),
        }
    }

    /// Whether all log lines were written. A terminal is not checked.
    ///
    /// # Errors
    /// [`Cause::Io`](crate::error::Cause::Io).
    pub(in crate::training) fn finish(self) -> Result<()> {
        match self {
            Report::LogLines(lines) => lines.finish(),
            Report::Terminal(_) => Ok(()),
        }
    }
}

/// A number as Python prints it, because AWS's log lines come from Python.
pub(in crate::training) fn number(value: f64) -> String {
    let mut text = Vec::new();
    byoc_formats::numbers::print::write_f64(&mut text, value);
    String::from_utf8(text).unwrap_or_default()
}

/// The winner's settings as Python's `json.dumps` writes them, in the order of AWS's line.
pub(in crate::training) fn resolved(optimizer: Optimizer, candidate: &Candidate, refined: bool) -> String {
    let mut parts = vec![
        ("optimizer", format!("{:?}", optimizer.name())),
        ("learning_rate", number(candidate.learning_rate)),
        ("wd", number(candidate.wd)),
        ("l1", number(candidate.l1)),
    ];
    if let Some(schedule) = candidate.schedule {
        parts.push(("lr_scheduler_step", schedule.step.to_string()));
        parts.push(("lr_scheduler_factor", number(schedule.factor)));
        parts.push(("lr_scheduler_minimum_lr", number(schedule.minimum)));
    }
    if refined {
        parts.push(("refine", "true".to_owned()));
    }
    let parts: Vec<_> = parts.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", parts.join(", "))
}

//! Progress for a person at a terminal: one line that changes, and what stays to be read.

use super::report::number;
use crate::telemetry::printable;
use byoc_linear_learner::train::{Event, Hyperparameters, Trained, Verdict};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// No eye follows more.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Screen {
    epochs: usize,
    began: Instant,
    shown: Option<Instant>,
}

impl Screen {
    pub(super) fn new(given: &Hyperparameters) -> Screen {
        Screen { epochs: given.epochs, began: Instant::now(), shown: None }
    }

    /// Replaces the line that changes.
    fn show(&mut self, text: &str) {
        if self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
            self.shown = Some(Instant::now());
            self.write(text, "");
        }
    }

    /// Writes a line that stays.
    fn keep(&mut self, text: &str) {
        self.write(text, "\n");
    }

    fn write(&self, text: &str, end: &str) {
        let mut out = std::io::stdout().lock();
        // Back to the line's start, and clear it.
        let _ = write!(out, "\r\x1b[K{}{end}", printable::one_line(text)).and_then(|()| out.flush());
    }

    pub(super) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Prepared { scaler, models } => {
                self.keep(&format!("training {models} models on {} features", scaler.means.len()));
            }
            Event::Progress { epoch, records } => {
                self.show(&format!("epoch {} of {}: {records} records", epoch + 1, self.epochs));
            }
            Event::Epoch(epoch) => {
                let seconds = std::mem::replace(&mut self.began, Instant::now()).elapsed().as_secs_f64();
                let rate = epoch.records as f64 / seconds.max(1e-6);
                let better = if epoch.verdict == Verdict::Improved { "better" } else { "not better" };
                self.keep(&format!(
                    "epoch {} of {}: {:.6} ({better}), {rate:.0} records/s",
                    epoch.number + 1,
                    self.epochs,
                    epoch.best
                ));
            }
            Event::StoppedEarly => self.keep("stopped early"),
            Event::Refined { passes, objective } => self.show(&format!("refining: pass {passes}, {objective:.9}")),
            Event::Chosen { refined, .. } => {
                self.keep(if refined { "the refined model is best" } else { "a model of the grid is best" });
            }
            Event::Measured { channel, metrics } => {
                for metric in metrics {
                    self.keep(&format!("{channel:>10} {}: {}", metric.name, number(metric.value)));
                }
            }
        }
    }

    pub(super) fn written(&mut self, path: &Path, trained: &Trained) {
        self.keep(&format!("{} after {} epochs", path.display(), trained.epochs));
    }
}

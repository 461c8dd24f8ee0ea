//! Progress at a terminal: a status line that changes, and lines that stay.

use crate::telemetry::terminal::{REFRESH_INTERVAL, print_line, show_status};
use crate::training::report::number;
use byoc_formats::counted::counted;
use byoc_linear_learner::train::{Event, Hyperparameters, Trained, Verdict};
use std::path::Path;
use std::time::Instant;

pub(in crate::training) struct Terminal {
    epochs: usize,
    began: Instant,
    shown: Option<Instant>,
}

impl Terminal {
    pub(in crate::training) fn new(given: &Hyperparameters) -> Terminal {
        Terminal { epochs: given.epochs, began: Instant::now(), shown: None }
    }

    /// Changes the status line, unless it changed a moment ago.
    fn show(&mut self, text: &str) {
        if self.shown.is_none_or(|shown| shown.elapsed() >= REFRESH_INTERVAL) {
            self.shown = Some(Instant::now());
            show_status(text);
        }
    }

    pub(in crate::training) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Prepared { scaler, models } => {
                print_line(&format!(
                    "training {} on {}",
                    counted(models, "model"),
                    counted(scaler.means.len(), "feature")
                ));
            }
            Event::Progress { epoch, records } => {
                self.show(&format!("epoch {} of {}: {}", epoch + 1, self.epochs, counted(records, "record")));
            }
            Event::Epoch(epoch) => {
                let seconds = std::mem::replace(&mut self.began, Instant::now()).elapsed().as_secs_f64();
                let rate = epoch.records as f64 / seconds.max(1e-6);
                let better = if epoch.verdict == Verdict::Improved { "better" } else { "not better" };
                print_line(&format!(
                    "epoch {} of {}: {:.6} ({better}), {rate:.0} records/s",
                    epoch.number + 1,
                    self.epochs,
                    epoch.best
                ));
            }
            Event::StoppedEarly => print_line("stopped early"),
            Event::Refined { passes, objective } => self.show(&format!("refining: pass {passes}, {objective:.9}")),
            Event::Chosen { refined, .. } => {
                print_line(if refined { "the refined model is best" } else { "a model of the grid is best" });
            }
            Event::Measured { channel, metrics } => {
                for metric in metrics {
                    print_line(&format!("{channel:>10} {}: {}", metric.name, number(metric.value)));
                }
            }
        }
    }

    pub(in crate::training) fn written(&self, path: &Path, trained: &Trained) {
        print_line(&format!("{} after {}", path.display(), counted(trained.epochs, "epoch")));
    }
}

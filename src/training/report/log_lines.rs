//! Log lines as AWS's linear learner prints them: its metric definitions' regular expressions, and tuning jobs', match
//! on them.
//!
//! Wording and order are those of public training logs from 2020 to 2024. As there, all lines go to standard output.

use crate::error::Result;
use crate::telemetry::printable;
use crate::telemetry::stdout_error::FirstError;
use crate::training::report::{number, resolved};
use byoc_formats::counted::counted;
use byoc_linear_learner::train::{Epoch, Event, Given, Hyperparameters, Loss, Metric, Optimizer, Trained, Verdict};
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes lines for one host.
pub(in crate::training) struct LogLines<W> {
    out: W,
    host: String,
    thread: u32,
    loss: Loss,
    optimizer: Optimizer,
    epochs: usize,
    by_validation: bool,
    has_test: bool,
    now: fn() -> SystemTime,
    epoch_began: SystemTime,
    written: FirstError,
}

impl<W: Write> LogLines<W> {
    pub(in crate::training) fn new(
        out: W,
        host: &str,
        given: &Hyperparameters,
        by_validation: bool,
        has_test: bool,
        now: fn() -> SystemTime,
    ) -> LogLines<W> {
        LogLines {
            out,
            host: host.to_owned(),
            thread: std::process::id(),
            loss: given.loss,
            optimizer: given.optimizer,
            epochs: given.epochs,
            by_validation,
            has_test,
            now,
            epoch_began: now(),
            written: FirstError::default(),
        }
    }

    /// A line that begins with the time and the thread, as AWS's do. Training continues if it cannot be written;
    /// [`LogLines::finish`] reports that.
    fn line(&mut self, message: impl std::fmt::Display) {
        let stamp = stamp((self.now)());
        let message = message.to_string();
        let line = writeln!(self.out, "[{stamp} INFO {}] {}", self.thread, printable::one_line(&message));
        self.written.keep(line);
    }

    pub(in crate::training) fn configuration(&mut self, source: &str, given: &Given) {
        let defaults: Given =
            byoc_linear_learner::train::DEFAULTS.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        let mut all = defaults.clone();
        all.extend(given.clone());
        self.line("Docker entrypoint called with argument(s): train");
        self.line(format_args!("Reading default configuration: {}", json!(defaults)));
        self.line(format_args!("Merging with provided configuration from {}: {}", source, json!(given)));
        self.line(format_args!("Final configuration: {}", json!(all)));
        self.line("Number of GPUs being used: 0");
    }

    pub(in crate::training) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Prepared { scaler, models } => {
                self.epoch_began = (self.now)();
                self.line(format_args!(
                    "Training {} side by side on {}, scaled by {}",
                    counted(models, "model"),
                    counted(scaler.means.len(), "feature"),
                    counted(scaler.records, "record")
                ));
            }
            Event::Progress { .. } => {}
            Event::Epoch(epoch) => self.epoch(&epoch),
            Event::StoppedEarly => {
                self.line("Early stop condition met. Stopping training.");
                let host = self.host.clone();
                self.line(format_args!("#progress_metric: host={host}, completed 100 % epochs"));
            }
            Event::Refined { passes, objective } => {
                self.line(format_args!("Refining: pass {passes}, objective {}", number(objective)));
            }
            Event::Chosen { candidate, refined } => {
                self.line(format_args!(
                    "Best model found for hyperparameters: {}",
                    resolved(self.optimizer, candidate, refined)
                ));
            }
            Event::Measured { channel, metrics } => self.scores(channel, metrics),
        }
    }

    fn epoch(&mut self, epoch: &Epoch<'_>) {
        let (host, number_of, objective) = (self.host.clone(), epoch.number, self.loss.objective());
        let now = (self.now)();
        for (channel, losses) in [("train", Some(epoch.train_losses)), ("validation", epoch.validation_losses)] {
            for (model, &loss) in losses.unwrap_or_default().iter().enumerate() {
                self.metrics_record(now, number_of, model, &format!("{channel}_{objective}"), loss);
            }
        }
        for (channel, losses) in [("train", Some(epoch.train_losses)), ("validation", epoch.validation_losses)] {
            // AWS shows the first of the parallel models here.
            if let Some(&loss) = losses.and_then(|losses| losses.first()) {
                let loss = number(loss);
                self.line(format_args!(
                    "#quality_metric: host={host}, epoch={number_of}, {channel} {objective} <loss>={loss}"
                ));
            }
        }
        let criteria = match epoch.criterion {
            Some(criterion) => {
                // Only `sampled_accuracy` appears in public logs; the other names follow its style.
                format!("sampled_{}", criterion.name())
            }
            None => objective.to_owned(),
        };
        self.line(format_args!(
            "#early_stopping_criteria_metric: host={host}, epoch={number_of}, criteria={criteria}, value={}",
            number(epoch.best)
        ));
        match epoch.verdict {
            Verdict::Improved => {
                self.line(format_args!("Epoch {number_of}: Loss improved. Updating best model"));
                self.line(format_args!("Saving model for epoch: {number_of}"));
            }
            Verdict::NotImproved { before } => {
                self.line(format_args!("Epoch {number_of}: Loss has not improved for {before} epochs."));
            }
        }
        let share = (number_of + 1) as f64 * 100.0 / self.epochs as f64;
        self.line(format_args!("#progress_metric: host={host}, completed {} % of epochs", number(share)));
        let seconds = now.duration_since(self.epoch_began).unwrap_or_default().max(Duration::from_micros(1));
        let rate = epoch.records as f64 / seconds.as_secs_f64();
        self.line(format_args!("#throughput_metric: host={host}, train throughput={} records/second", number(rate)));
        self.epoch_began = now;
    }

    fn metrics_record(&mut self, now: SystemTime, epoch: usize, model: usize, name: &str, value: f64) {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        // JSON has no NaN; the loss of such a model is null.
        let record = json!({
            "StartTime": seconds(self.epoch_began),
            "EndTime": seconds(now),
            "Dimensions": {
                "Algorithm": "Linear Learner", "Host": self.host, "Operation": "training", "epoch": epoch, "model": model,
            },
            "Metrics": { name: { "sum": value, "count": 1, "min": value, "max": value } },
        });
        let record = record.to_string();
        let line = writeln!(self.out, "#metrics {}", printable::json(&record));
        self.written.keep(line);
    }

    fn scores(&mut self, channel: &str, metrics: &[Metric]) {
        let host = self.host.clone();
        for metric in metrics {
            self.line(format_args!("#{channel}_score ({host}) : ('{}', {})", metric.name, number(metric.value)));
        }
        for metric in metrics {
            let kind = if metric.is_loss { "loss" } else { "score" };
            let value = number(metric.value);
            self.line(format_args!("#quality_metric: host={host}, {channel} {} <{kind}>={value}", metric.name));
        }
        if channel != "test" && !self.has_test {
            self.line("Test data is not provided.");
        }
    }

    pub(in crate::training) fn written(&mut self, path: &std::path::Path, trained: &Trained) {
        let chooser = if self.by_validation { "validation" } else { "train" };
        let what = if trained.refined { ", refined" } else { "" };
        self.line(format_args!(
            "Model {} of {}{what}, chosen on the {chooser} channel, saved to {}",
            trained.model,
            trained.models,
            path.display()
        ));
    }

    /// Whether all lines were written.
    ///
    /// # Errors
    /// [`Cause::Io`](crate::error::Cause::Io), for the first line that was not.
    pub(in crate::training) fn finish(self) -> Result<()> {
        self.written.check()
    }
}

/// `MM/DD/YYYY HH:MM:SS`, in UTC.
pub(in crate::training) fn stamp(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or_default().strftime("%m/%d/%Y %H:%M:%S").to_string()
}

#[cfg(test)]
#[path = "log_lines_test.rs"]
mod log_lines_test;

//! A job from its first file to its last.

use super::lines::Lines;
use super::report::Report;
use super::screen::Screen;
use super::source::{ChannelSource, Reading};
use super::stop::Stop;
use super::tree::Tree;
use super::{failure, preprocessor_job, settings};
use crate::error::{Cause, Error, Result};
use crate::linear_learner;
use crate::linear_learner::train::{Channels, Hyperparameters, Run, Source, fit};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How a job runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The root of the tree, `/opt/ml` on the platform.
    pub base_dir: PathBuf,
    /// Where the model goes.
    pub model_dir: PathBuf,
    /// How many threads compute.
    pub threads: usize,
    /// How many bytes of training data may be kept in memory.
    pub memory: u64,
    /// Whether a person watches; else log lines are written.
    pub is_watched: bool,
}

/// Trains as the tree says, and writes the model.
///
/// # Errors
/// What kept it from that. The reason is in the failure file then, too.
pub fn run(config: &Config) -> Result<()> {
    let tree = Tree::new(&config.base_dir);
    train(config, &tree).inspect_err(|error| failure::write(&tree, error))
}

fn train(config: &Config, tree: &Tree) -> Result<()> {
    if let Some(job) = preprocessor_job::find(tree)? {
        return job.run(config, tree);
    }
    let stop = Stop::on_signal()?;
    let host = settings::host(tree)?;
    let text = settings::hyperparameters(tree)?;
    let given = Hyperparameters::parse(&text)?;
    let channels = settings::channels(tree)?;
    let room = usize::try_from(config.memory).unwrap_or(usize::MAX) / channels.len().max(1);
    let open = |name: &str| {
        let channel = channels.get(name)?;
        let (kind, batch) = (given.predictor_type, given.mini_batch_size);
        let reading = Reading::new(name, tree.channel(name), channel, kind, batch, &stop);
        Some(reading.map(|reading| ChannelSource::new(reading, room)))
    };
    let Some(mut train) = open("train").transpose()? else {
        return Err(Error::new(Cause::BadSetting, "the job has no channel train: expected one"));
    };
    let mut validation = open("validation").transpose()?;
    let mut test = open("test").transpose()?;

    let mut report = if config.is_watched {
        Report::Screen(Screen::new(&given))
    } else {
        let (out, now) = (std::io::stdout(), SystemTime::now);
        let mut lines = Lines::new(out, &host, &given, validation.is_some(), test.is_some(), now);
        lines.configuration(&tree.hyperparameters(), &text);
        Report::Lines(Box::new(lines))
    };
    let is_stopped = || stop.is_set();
    let trained = fit(
        &given,
        Channels {
            train: &mut train,
            validation: validation.as_mut().map(|source| source as &mut dyn Source),
            test: test.as_mut().map(|source| source as &mut dyn Source),
        },
        Run { threads: config.threads, stop: &is_stopped, tell: &mut |event| report.hear(event) },
    );
    let trained = match trained {
        Err(error) if stop.is_set() => return Err(error.context("told to stop before there was a model")),
        trained => trained?,
    };
    linear_learner::write(&config.model_dir, &given, &trained)?;
    report.written(&model_file(&config.model_dir), &trained);
    Ok(())
}

fn model_file(directory: &Path) -> PathBuf {
    directory.join("model_algo-1")
}

#[cfg(test)]
#[path = "job_test.rs"]
mod job_test;

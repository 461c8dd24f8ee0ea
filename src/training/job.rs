//! A job from its first file to its last.

use super::lines::Lines;
use super::report::Report;
use super::screen::Screen;
use super::source::{ChannelSource, Reading};
use super::stop::{Stop, stopped};
use super::tree::Tree;
use super::{failure, place, preprocessor_job, settings};
use crate::error::{Cause, Error, Result};
use crate::linear_learner;
use crate::linear_learner::train::{Channels, Hyperparameters, Run, Source, fit};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    /// How many bytes of memory there are at all.
    pub all_memory: u64,
    /// Whether a person watches; else log lines are written.
    pub is_watched: bool,
}

/// Trains as the tree says, and writes the model.
///
/// # Errors
/// What kept it from that. The reason is in the failure file then, too.
pub fn run(config: &Config) -> Result<()> {
    let tree = Tree::new(&config.base_dir);
    failure::clear(&tree);
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
    place::probe(&config.model_dir, &[MODEL])?;
    given.without_effect(&text).iter().for_each(|message| log::warn!("{message}"));
    let width = Arc::default();
    let room = usize::try_from(config.memory).unwrap_or(usize::MAX) / channels.len().max(1);
    let open = |name: &str| {
        let channel = channels.get(name)?;
        let (kind, batch) = (given.predictor_type, given.mini_batch_size);
        let reading = Reading::new(name, tree.channel(name), channel, kind, batch, &width, &stop);
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
        Run {
            threads: config.threads,
            memory: config.all_memory,
            stop: &is_stopped,
            tell: &mut |event| report.hear(event),
        },
    );
    let trained = match trained {
        // Whatever it is that was missing then.
        Err(error) if stop.is_set() => {
            log::debug!("told to stop: {error}");
            return Err(stopped());
        }
        trained => trained?,
    };
    linear_learner::write(&config.model_dir, &given, &trained)?;
    report.written(&model_file(&config.model_dir), &trained);
    Ok(())
}

const MODEL: &str = "model_algo-1";

fn model_file(directory: &Path) -> PathBuf {
    directory.join(MODEL)
}

#[cfg(test)]
#[path = "job_test.rs"]
mod job_test;

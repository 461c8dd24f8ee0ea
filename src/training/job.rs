//! A job from its first file to its last.

use super::destination::{Destination, Output};
use super::lines::Lines;
use super::report::Report;
use super::screen::Screen;
use super::source::{ChannelSource, Reading, Shape};
use super::stop::{Stop, stopped};
use super::task::Task;
use super::{beside, failure, preprocessor_job};
use crate::error::{Cause, Error, Result};
use byoc_formats::error::chain;
use byoc_linear_learner::train::{Channels, Hyperparameters, Run, Source, fit};
use std::time::SystemTime;

/// How a job runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it is told.
    pub task: Task,
    /// Where the model goes.
    pub output: Output,
    /// How many threads compute.
    pub threads: usize,
    /// How many bytes of training data may be kept in memory.
    pub memory: u64,
    /// How many bytes of memory there are at all.
    pub all_memory: u64,
    /// Whether a person watches; else log lines are written.
    pub is_watched: bool,
}

/// Trains as the task says, and writes the model.
///
/// # Errors
/// What kept it from that. The reason is in the failure file of a tree then, too.
pub fn run(config: &Config) -> Result<()> {
    let tree = config.task.tree();
    tree.iter().for_each(failure::clear);
    train(config).inspect_err(|error| tree.iter().for_each(|tree| failure::write(tree, error)))
}

fn train(config: &Config) -> Result<()> {
    let task = &config.task;
    if let Some(job) = preprocessor_job::find(task)? {
        return job.run(config);
    }
    let stop = Stop::on_signal()?;
    let host = task.host()?;
    let text = task.hyperparameters()?;
    let given = Hyperparameters::parse(&text)?;
    let channels = task.channels()?;
    beside::check(task, &config.output, &[MODEL])?;
    let destination = Destination::probe(&config.output, &[MODEL])?;
    given.without_effect(&text).iter().for_each(|message| log::warn!("{message}"));
    let shape = Shape::default();
    let room = usize::try_from(config.memory).unwrap_or(usize::MAX) / channels.len().max(1);
    let open = |name: &str| {
        let channel = channels.get(name)?;
        let (kind, batch) = (given.predictor_type, given.mini_batch_size);
        let reading = Reading::new(name, task.channel(name), channel, kind, batch, &shape, &stop);
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
        lines.configuration(&task.source(), &text);
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
            log::debug!("told to stop: {}", chain(&error));
            return Err(stopped().into());
        }
        trained => trained?,
    };
    byoc_linear_learner::write(&destination.folder(), &given, &trained)?;
    report.written(&destination.finish(MODEL)?, &trained);
    Ok(())
}

const MODEL: &str = "model_algo-1";

#[cfg(test)]
#[path = "job_test.rs"]
mod job_test;

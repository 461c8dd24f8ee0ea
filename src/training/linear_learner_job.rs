//! A job that trains a linear learner, from its hyperparameters to the model.

use crate::error::{Cause, Error, Result};
use crate::training::Config;
use crate::training::channel::block_source::{ChannelSource, Reading, Shape};
use crate::training::output::Destination;
use crate::training::output::other_models;
use crate::training::report::Report;
use crate::training::report::log_lines::LogLines;
use crate::training::report::terminal::Terminal;
use crate::training::stop_flag::{StopFlag, stopped};
use byoc_formats::error::chain;
use byoc_linear_learner::train::{Channels, Hyperparameters, Run, Source, fit};
use std::time::SystemTime;

/// Trains the model and writes it.
///
/// # Errors
/// [`Cause::BadSetting`] for hyperparameters and channels that are wrong, and whatever keeps the rows from being read,
/// the model from being trained or its files from being written.
pub(super) fn run(config: &Config) -> Result<()> {
    let task = &config.task;
    let stop = StopFlag::on_signal()?;
    let host = task.host()?;
    let text = task.hyperparameters()?;
    let given = Hyperparameters::parse(&text)?;
    let channels = task.channels()?;
    other_models::check(task, &config.output, &[MODEL])?;
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

    let mut report = if config.is_interactive {
        Report::Terminal(Terminal::new(&given))
    } else {
        let (out, now) = (std::io::stdout(), SystemTime::now);
        let mut lines = LogLines::new(out, &host, &given, validation.is_some(), test.is_some(), now);
        lines.configuration(&task.source(), &text);
        Report::LogLines(Box::new(lines))
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
        // A stopped job fails because it was stopped, whatever data it lacked then.
        Err(error) if stop.is_set() => {
            log::debug!("told to stop: {}", chain(&error));
            return Err(stopped().into());
        }
        trained => trained?,
    };
    byoc_linear_learner::write(&destination.folder(), &given, &trained)?;
    report.written(&destination.finish(MODEL)?, &trained);
    report.finish()
}

const MODEL: &str = "model_algo-1";

#[cfg(test)]
#[path = "linear_learner_job_test.rs"]
mod linear_learner_job_test;

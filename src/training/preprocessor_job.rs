//! A job that fits a preprocessor: finds its specification and its data, fits, and writes two files.

use crate::error::{Cause, Error, Result};
use crate::telemetry::printable;
use crate::telemetry::stdout_error::FirstError;
use crate::training::Config;
use crate::training::channel::table_source::TableSource;
use crate::training::channel::{Channel, InputMode};
use crate::training::output::other_models;
use crate::training::output::{Destination, Output};
use crate::training::report::log_lines::stamp;
use crate::training::stop_flag::{StopFlag, stopped};
use crate::training::task::Task;
use byoc_formats::counted::counted;
use byoc_formats::suggest;
use byoc_linear_learner::train::Given;
use byoc_sklearn::{self, Document, Specification};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// The hyperparameter with the specification.
pub const PREPROCESSOR: &str = "preprocessor";
/// The file with the specification in a channel, and the file with the fitted preprocessor in the output.
const FILE: &str = "preprocessor.json";
const PICKLE: &str = "model.joblib";

/// The specification, and where it was found.
pub(super) struct Job {
    specification: Specification,
    /// The file with the specification; empty if a hyperparameter has it.
    file: PathBuf,
    channels: BTreeMap<String, Channel>,
}

/// The job, if the task has the specification of a preprocessor.
///
/// # Errors
/// [`Cause::BadSetting`] for a specification that is wrong or given twice, and for hyperparameters of the linear
/// learner beside it.
pub(super) fn find(task: &Task) -> Result<Option<Job>> {
    let given = task.hyperparameters_or_none()?;
    let channels = task.all_channels()?;
    let of_channel = |name: &String| task.channel(name).join(FILE);
    let files: Vec<PathBuf> = channels.keys().map(of_channel).filter(|path| path.is_file()).collect();
    let wrong = |message: String| Err(Error::new(Cause::BadSetting, message));
    let (text, source, file) = match (given.get(PREPROCESSOR), files.as_slice()) {
        (None, []) => return misspelt(&given, &channels, task).map_or(Ok(None), Err),
        (Some(text), []) => (text.clone().into_bytes(), format!("the hyperparameter {PREPROCESSOR}"), PathBuf::new()),
        (None, [file]) => {
            let text = std::fs::read(file).map_err(|error| Error::io("read", file, error))?;
            (text, file.display().to_string(), file.clone())
        }
        (Some(_), [file, ..]) => {
            return wrong(format!(
                "the job has a hyperparameter {PREPROCESSOR} and {}: expected one of them",
                file.display()
            ));
        }
        (None, [file, other, ..]) => {
            return wrong(format!("the job has {} and {}: expected one of them", file.display(), other.display()));
        }
    };
    check_others(&given)?;
    let specification = Specification::parse(&text).map_err(|error| error.within(source))?;
    Ok(Some(Job { specification, file, channels }))
}

/// The error for a specification under a misspelled name, for which a linear learner would report something less
/// helpful.
fn misspelt(given: &Given, channels: &BTreeMap<String, Channel>, task: &Task) -> Option<Error> {
    let wrong = |message: String| Error::new(Cause::BadSetting, message);
    if let Some(name) = given.keys().find(|name| suggest::is_typo_of(name, PREPROCESSOR)) {
        return Some(wrong(format!("{name} is not a hyperparameter: did you mean {PREPROCESSOR}?")));
    }
    channels.keys().find_map(|channel| {
        let entries = std::fs::read_dir(task.channel(channel)).ok()?;
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let name = names.find(|name| suggest::is_typo_of(name, FILE))?;
        let path = task.channel(channel).join(name);
        Some(wrong(format!("{} does not have the name of a specification: did you mean {FILE}?", path.display())))
    })
}

/// Refuses all other hyperparameters, except those that SageMaker's own tools add: they begin with `sagemaker_` or `_`.
fn check_others(given: &Given) -> Result<()> {
    let own = |name: &&String| *name != PREPROCESSOR && !name.starts_with("sagemaker_") && !name.starts_with('_');
    match given.keys().find(own) {
        Some(other) => Err(Error::new(
            Cause::BadSetting,
            format!(
                "the job has a preprocessor and the hyperparameter {other}: expected a preprocessor, which has no \
                 other hyperparameter, or a linear learner, which has no preprocessor"
            ),
        )),
        None => Ok(()),
    }
}

impl Job {
    /// The channel with the data: `train`, `training` as notebooks call it, or the only one.
    fn channel(&self, task: &Task) -> Result<(&str, &Channel)> {
        let holds_data = |name: &&String| match self.file.parent() {
            // This channel has only the specification.
            Some(folder) if folder == task.channel(name) => has_other_files(folder),
            _ => true,
        };
        let names: Vec<&String> = self.channels.keys().filter(holds_data).collect();
        let known = ["train", "training"].into_iter().find(|known| names.iter().any(|name| name == known));
        let name = match (known, names.as_slice()) {
            (Some(known), _) => known,
            (None, [only]) => only.as_str(),
            (None, []) => {
                return Err(Error::new(Cause::BadSetting, "the job has no channel of data: expected a channel train"));
            }
            (None, several) => {
                let several: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                return Err(Error::new(
                    Cause::BadSetting,
                    format!("expected a channel train, or one channel only, found {}", several.join(", ")),
                ));
            }
        };
        let channel = self.channels.get_key_value(name);
        channel
            .map(|(name, channel)| (name.as_str(), channel))
            .ok_or_else(|| Error::new(Cause::Internal, format!("channel {name} is not there")))
    }

    pub(super) fn run(self, config: &Config) -> Result<()> {
        let stop = StopFlag::on_signal()?;
        let task = &config.task;
        task.host()?;
        let (name, channel) = self.channel(task)?;
        other_models::check(task, &config.output, &[PICKLE, FILE])?;
        let destination = Destination::probe(&config.output, &[PICKLE, FILE])?;
        let room = usize::try_from(config.memory).unwrap_or(usize::MAX);
        let mut rows =
            TableSource::new(name, task.channel(name), channel, &self.specification, self.file.clone(), room, &stop)?;
        let mut report = Report::new(config.is_interactive);
        report.say("Docker entrypoint called with argument(s): train");
        let mode = if channel.training_input_mode == InputMode::Pipe { "FIFOs" } else { "files" };
        report.say(&format!("Fitting a preprocessor on the {mode} of channel {name}"));
        let unread: Vec<&str> = self.channels.keys().map(String::as_str).filter(|other| *other != name).collect();
        if let Some(unread) =
            unread.iter().find(|other| self.file.parent().is_none_or(|folder| folder != task.channel(other)))
        {
            report.say(&format!("Channel {unread} is not read: a preprocessor is fitted on {name} alone"));
        }
        let specification = self.specification;
        let (sender, receiver) = sync_channel(1);
        // Opening a FIFO without a writer cannot be interrupted, so it is done in a thread that can be abandoned.
        let learn = move || {
            // The receiver is gone if the job was stopped.
            let fitted = byoc_sklearn::fit(specification, &mut rows, &mut |event| report.hear(&event));
            let _ = sender.send(fitted.map(|document| (document, report)));
        };
        let internal = |error: std::io::Error| Error::new(Cause::Internal, "could not start a thread").caused_by(error);
        std::thread::Builder::new().name("fit".into()).spawn(learn).map_err(internal)?;
        let (document, mut report) = loop {
            match receiver.recv_timeout(GLANCE) {
                Ok(fitted) => break fitted?,
                Err(RecvTimeoutError::Timeout) if stop.is_set() => match receiver.recv_timeout(LAST_WORD) {
                    Ok(fitted) => break fitted?,
                    Err(_) => return Err(stopped().into()),
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(Cause::Internal, "the fit ended without a result: its panic is in the log"));
                }
            }
        };
        write(&destination.folder(), &document)?;
        let written = destination.finish(FILE)?;
        let written = written.display();
        report.say(&match config.output {
            Output::Folder(_) => format!("Preprocessor saved to {written} and {PICKLE} beside it"),
            Output::Archive(_) => format!("Preprocessor saved to {written}, as {FILE} and {PICKLE}"),
        });
        report.written.check()
    }
}

fn has_other_files(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.filter_map(|entry| entry.ok()).any(|entry| {
        let name = entry.file_name();
        name != FILE && !name.to_string_lossy().starts_with('.')
    })
}

/// Writes both files, each whole or not at all, and the one that is served last.
fn write(directory: &Path, document: &Document) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(|error| Error::io("create the folder", directory, error))?;
    for (name, bytes) in [(PICKLE, document.to_joblib()), (FILE, document.to_json())] {
        let (path, unfinished) = (directory.join(name), directory.join(format!("{name}.unfinished")));
        std::fs::write(&unfinished, bytes).and_then(|()| std::fs::rename(&unfinished, &path)).map_err(|error| {
            // Half a file is useless, and takes space on a full disk.
            let _ = std::fs::remove_file(&unfinished);
            Error::io("write", &path, error)
        })?;
    }
    Ok(())
}

/// Progress reports of a fit: log lines, or a changing status line at a terminal.
struct Report {
    is_interactive: bool,
    pass: usize,
    began: Instant,
    shown: Option<Instant>,
    written: FirstError,
}

/// How often the stop flag is read while waiting, and how long a fit may take to notice it by itself.
const GLANCE: Duration = Duration::from_millis(100);
const LAST_WORD: Duration = Duration::from_secs(2);

/// Faster changes cannot be read.
const PAUSE: Duration = Duration::from_millis(100);

impl Report {
    fn new(is_interactive: bool) -> Report {
        Report { is_interactive, pass: 0, began: Instant::now(), shown: None, written: FirstError::default() }
    }

    /// A line that stays. The fit continues if it cannot be written, and the job reports that at its end.
    fn say(&mut self, message: &str) {
        let message = printable::one_line(message);
        let mut out = std::io::stdout().lock();
        self.written.keep(if self.is_interactive {
            writeln!(out, "\r\x1b[K{message}")
        } else {
            writeln!(out, "[{} INFO {}] {message}", stamp(SystemTime::now()), std::process::id())
        });
    }

    fn hear(&mut self, event: &byoc_sklearn::Event) {
        match event {
            byoc_sklearn::Event::PassBegan(number, learning) => {
                self.pass = *number;
                self.began = Instant::now();
                let mut names = learning.clone();
                names.dedup();
                self.say(&format!("Pass {number} over the rows: {}", names.join(", ")));
            }
            byoc_sklearn::Event::Seen(rows) if self.is_interactive => {
                if self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
                    self.shown = Some(Instant::now());
                    let mut out = std::io::stdout().lock();
                    let _ =
                        write!(out, "\r\x1b[Kpass {}: {}", self.pass, counted(*rows, "row")).and_then(|()| out.flush());
                }
            }
            byoc_sklearn::Event::Seen(_) => {}
            byoc_sklearn::Event::PassEnded(rows) => {
                let rate = *rows as f64 / self.began.elapsed().as_secs_f64().max(1e-6);
                self.say(&format!("Pass {}: {}, {rate:.0} rows/second", self.pass, counted(*rows, "row")));
            }
            byoc_sklearn::Event::Kept(name, columns) => {
                self.say(&format!(
                    "{name} keeps {} in memory: its statistics are of all values at once",
                    counted(*columns, "column")
                ));
            }
        }
    }
}

#[cfg(test)]
#[path = "preprocessor_job_test.rs"]
mod preprocessor_job_test;

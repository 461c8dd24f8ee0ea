//! `byoc inspect`: describes the contents of an artifact as text or JSON.
//!
//! [`crate::model::Inspection`] provides the contents. This module writes them as text of 100 columns (`page`) or as
//! JSON.

mod linear_learner;
mod local_artifact;
mod page;
mod preprocessor;
mod refusal;
mod scorer;
mod several;
mod weights;

use std::io::{BufWriter, Write};
use std::path::Path;

use byoc_account::{Account, Allowance, Deadline, Lease, Purpose, system};

use crate::cli::overrides;
use crate::cli::settings::problems::Problems;
use crate::cli::settings::raw::RawSettings;
use crate::cli::table::inspect::Inspect;
use crate::container::accounts::process_reserve;
use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::model::{Contents, FileSize, Inspection, NamedPath, Refusal, Script};
use crate::telemetry::{printable, stdout_error};
use byoc_sklearn::preprocessor::Overrides;
use local_artifact::LocalArtifact;
use page::{Page, path, plain};

/// The memory to assume if the system reports none.
const FALLBACK_MEMORY: u64 = 4 << 30;

pub(super) fn run(raw: &RawSettings) -> Result<()> {
    let (settings, problems) = raw.read::<Inspect>();
    let is_json = settings.json;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let (refusal, written) = match inspect(settings, problems, raw.environment(), &mut stdout) {
        Ok(()) => (None, Ok(())),
        Err(InspectError::Reported(error)) => (Some(error), Ok(())),
        Err(InspectError::Refused(refusal)) => {
            let written = refusal::write(&mut stdout, &refusal, is_json);
            (Some(refusal.error), written)
        }
        Err(InspectError::NotWritten(error)) => (None, Err(error)),
    };
    match (written.and_then(|()| stdout.flush()), refusal) {
        (_, Some(error)) => Err(error),
        (written, None) => stdout_error::check(written),
    }
}

/// Why an inspection fails.
enum InspectError {
    /// The artifact is refused. Nothing has been written yet.
    Refused(Box<Refusal>),
    /// One of several archives is refused. The output already has the reason.
    Reported(Error),
    NotWritten(std::io::Error),
}

impl From<Error> for InspectError {
    fn from(error: Error) -> InspectError {
        InspectError::Refused(error.into())
    }
}

impl From<std::io::Error> for InspectError {
    fn from(error: std::io::Error) -> InspectError {
        InspectError::NotWritten(error)
    }
}

fn inspect(
    settings: Inspect,
    problems: Problems,
    environment: &Environment,
    stdout: &mut impl Write,
) -> Result<(), InspectError> {
    problems.finish()?;
    let Inspect { path, json, preprocessor, scikit_learn } = settings;
    let overrides = overrides::from(scikit_learn);
    let memory = system::memory().unwrap_or(FALLBACK_MEMORY);
    let account = Account::new(memory.saturating_sub(process_reserve(memory)));
    let allowance = || Allowance::of(Lease::empty(&account), Purpose::Load, Deadline::never());
    let artifact = LocalArtifact::open(&path, environment)?;
    let archives = Inspection::archives_in(artifact.place.path());
    if !archives.is_empty() {
        let several = several::Models { folder: &artifact, archives, overrides: &overrides };
        return several.write(stdout, json, &allowance);
    }
    let allowance = allowance();
    let mut inspection =
        Inspection::or_refusal(&artifact.place, &overrides, &allowance).map_err(InspectError::Refused)?;
    if let Some(preprocessor) = &preprocessor {
        let preprocessor = LocalArtifact::open(preprocessor, environment)?;
        name_features(&mut inspection, &path, (&preprocessor.place, &overrides), &allowance)?;
    }
    if json {
        // Written directly, because the whole text may be large.
        let mut lines = printable::JsonLines::new(stdout);
        serde_json::to_writer_pretty(&mut lines, &inspection).map_err(std::io::Error::from)?;
        lines.write_all(b"\n")?;
    } else {
        write_text(stdout, &text_of(&inspection))?;
    }
    Ok(())
}

/// Prints the error of an invalid command line as JSON if it has `--json`, for programs that read only standard output.
pub(super) fn print_usage_error_as_json(arguments: &[String], message: &str) -> std::io::Result<()> {
    let is_inspect = arguments.get(1).is_some_and(|command| command == "inspect");
    if !is_inspect || !arguments.iter().any(|argument| argument == "--json") {
        return Ok(());
    }
    let refusal: Box<Refusal> = Error::new(Cause::BadRequest, message.trim_end()).into();
    refusal::write(&mut std::io::stdout().lock(), &refusal, true)
}

/// Writes a text, and a line break if it does not end with one.
fn write_text(stdout: &mut impl Write, text: &str) -> std::io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end.as_bytes()))
}

/// Names the features of a linear learner after a preprocessor's output columns.
fn name_features(
    inspection: &mut Inspection,
    learner_path: &Path,
    (place, overrides): (&NamedPath, &Overrides),
    allowance: &Allowance,
) -> Result<()> {
    let Contents::LinearLearner(learner) = &mut inspection.contents else {
        return Err(Error::new(
            Cause::BadRequest,
            format!("--preprocessor names the weights of a linear learner, but {} is not one", learner_path.display()),
        ));
    };
    let preprocessor = match Inspection::of_named(place, overrides, allowance)?.contents {
        Contents::Preprocessor(preprocessor) => preprocessor,
        other => {
            let found = match other {
                Contents::LinearLearner(_) => "a linear learner",
                _ => "a scikit-learn model that predicts",
            };
            return Err(Error::new(
                Cause::OtherModel,
                format!(
                    "--preprocessor {}: expected a preprocessor, found {found}; give the preprocessor whose output {} \
                     was trained on",
                    place.name(),
                    learner_path.display()
                ),
            ));
        }
    };
    let transformer = preprocessor.transformer;
    let names = transformer.feature_names_out.ok_or_else(|| {
        let reason = transformer.feature_names_out_error.unwrap_or_default();
        Error::bad_artifact(format!("{}: its output columns have no names: {reason}", place.name()))
    })?;
    let named = learner.name_features(names);
    named
        .map_err(|error| error.context(format_args!("{} does not fit {}", place.name(), learner_path.display())).into())
}

/// An inspection as text.
fn text_of(inspection: &Inspection) -> String {
    let mut page = Page::default();
    page.line(0, &title(inspection));
    sizes(&mut page, &inspection.files);
    page.line(2, &format!("in memory: {}", bytes(inspection.memory_bytes)));
    not_run(&mut page, &inspection.not_run);
    passed_over(&mut page, &inspection.passed_over);
    match &inspection.contents {
        Contents::LinearLearner(learner) => {
            linear_learner::describe(&mut page, learner, inspection.written_by.as_deref());
        }
        Contents::Preprocessor(preprocessor) => preprocessor::describe(&mut page, preprocessor),
        Contents::Scorer(scorer) => scorer::describe(&mut page, scorer),
    }
    page.into_text()
}

/// The kind of the artifact, in one line.
fn title(inspection: &Inspection) -> String {
    let made_by = |version: &str| match &inspection.written_by {
        Some(program) => format!("fitted by {}, as scikit-learn {version} would have fitted it", plain(program)),
        None => format!("made by scikit-learn {version}"),
    };
    match &inspection.contents {
        Contents::LinearLearner(learner) => linear_learner::title(learner),
        Contents::Preprocessor(preprocessor) => {
            format!("scikit-learn preprocessor, {}", made_by(&preprocessor.scikit_learn))
        }
        Contents::Scorer(scorer) => {
            format!("scikit-learn scorer ({}), {}", plain(&scorer.class), made_by(&scorer.artifact.scikit_learn))
        }
    }
}

fn sizes(page: &mut Page, files: &[FileSize]) {
    let file = |file: &FileSize| match file.uncompressed_bytes {
        Some(uncompressed) => format!("{} ({}, {uncompressed} uncompressed)", path(&file.name), bytes(file.bytes)),
        None => format!("{} ({})", path(&file.name), bytes(file.bytes)),
    };
    page.list(2, "files: ", files.iter().map(file));
}

/// Lists scripts, which byoc does not run.
fn not_run(page: &mut Page, scripts: &[Script]) {
    for script in scripts {
        let defines = match script.defines.as_slice() {
            [] => String::new(),
            functions => format!(", which defines {}", functions.join(", ")),
        };
        page.line(2, &format!("not run: {}{defines}", path(&script.file)));
    }
}

/// Lists the other models in the folder, which are not served.
fn passed_over(page: &mut Page, files: &[String]) {
    if !files.is_empty() {
        page.list(2, "other models in this folder, not served: ", files.iter().map(|file| path(file)));
    }
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}

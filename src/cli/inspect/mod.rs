//! `byoc inspect`: what is in an artifact, in words or as JSON.
//!
//! What there is to say comes from [`crate::model::Inspection`]; here it is put into words, for a person and a width of 100
//! columns (`page`), or printed as JSON.

mod failure;
mod linear_learner;
mod page;
mod place;
mod preprocessor;
mod scorer;
mod several;
mod weights;

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use byoc_account::{Account, Allowance, Deadline, Lease, Purpose, system};

use crate::cli::overrides;
use crate::cli::settings::given::Given;
use crate::cli::settings::problems::Problems;
use crate::cli::table::inspect::Inspect;
use crate::container::accounts::process_reserve;
use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::model::{Contents, FileSize, Inspection, Refusal, Script};
use crate::telemetry::printable;
use byoc_sklearn::preprocessor::Overrides;
use page::{Page, path, plain};
use place::Place;

/// The memory that is assumed if nothing tells how much there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;

pub(super) fn run(given: &Given) -> Result<()> {
    let (settings, problems) = given.read::<Inspect>();
    let is_json = settings.json;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let (refusal, written) = match inspect(settings, problems, given.environment(), &mut stdout) {
        Ok(()) => (None, Ok(())),
        Err(Ended::Told(error)) => (Some(error), Ok(())),
        Err(Ended::Refused(refusal)) => {
            let written = failure::write(&mut stdout, &refusal, is_json);
            (Some(refusal.error), written)
        }
        Err(Ended::NotWritten(error)) => (None, Err(error)),
    };
    match (written.and_then(|()| stdout.flush()), refusal) {
        (_, Some(error)) => Err(error),
        // Whoever reads has read enough.
        (Err(error), None) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(Cause::Io, "could not write to standard output").caused_by(error))
        }
        _ => Ok(()),
    }
}

/// Why no more is said.
enum Ended {
    /// It is refused, and nothing was said of it.
    Refused(Box<Refusal>),
    /// What is refused was said beside what is not.
    Told(Error),
    NotWritten(std::io::Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Refused(error.into())
    }
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Ended {
        Ended::NotWritten(error)
    }
}

fn inspect(
    settings: Inspect,
    problems: Problems,
    environment: &Environment,
    stdout: &mut impl Write,
) -> Result<(), Ended> {
    problems.finish()?;
    let Inspect { path, json, preprocessor, scikit_learn } = settings;
    let overrides = overrides::from(scikit_learn);
    let memory = system::memory().unwrap_or(UNKNOWN_MEMORY);
    let account = Account::new(memory.saturating_sub(process_reserve(memory)));
    let allowance = || Allowance::of(Lease::empty(&account), Purpose::Load, Deadline::never());
    let place = Place::of(&path, environment)?;
    let archives = Inspection::archives_in(&place.path);
    if !archives.is_empty() {
        let several = several::Models { folder: &place, archives, overrides: &overrides };
        return several.tell(stdout, json, &allowance);
    }
    let allowance = allowance();
    let mut inspection = Inspection::or_refusal(&place.path, &overrides, &allowance).map_err(|mut refusal| {
        refusal.error = place.said_of(refusal.error);
        Ended::Refused(refusal)
    })?;
    if let Some(preprocessor) = &preprocessor {
        let place = Place::of(preprocessor, environment)?;
        name_features(&mut inspection, &path, (&place.path, &overrides), &allowance)
            .map_err(|error| place.said_of(error))?;
    }
    if json {
        // Not as one text, which may be large.
        let mut lines = printable::JsonLines::new(stdout);
        serde_json::to_writer_pretty(&mut lines, &inspection).map_err(std::io::Error::from)?;
        lines.write_all(b"\n")?;
    } else {
        say(stdout, &in_words(&inspection))?;
    }
    Ok(())
}

/// A command line that cannot be read, as JSON where that was asked for: whoever reads only that is told too.
pub(super) fn wrong_command_line(arguments: &[String], message: &str) -> std::io::Result<()> {
    let is_ours = arguments.get(1).is_some_and(|command| command == "inspect");
    if !is_ours || !arguments.iter().any(|argument| argument == "--json") {
        return Ok(());
    }
    let refusal: Box<Refusal> = Error::new(Cause::BadRequest, message.trim_end()).into();
    failure::write(&mut std::io::stdout().lock(), &refusal, true)
}

/// Writes a page, with a line break at its end.
fn say(stdout: &mut impl Write, text: &str) -> std::io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end.as_bytes()))
}

/// Gives a linear learner's features the names that a preprocessor has for what it gives.
fn name_features(
    inspection: &mut Inspection,
    learner_path: &Path,
    (path, overrides): (&Path, &Overrides),
    allowance: &Allowance,
) -> Result<()> {
    let Contents::LinearLearner(learner) = &mut inspection.contents else {
        return Err(Error::new(
            Cause::BadRequest,
            format!("--preprocessor names the weights of a linear learner, and {} is none", learner_path.display()),
        ));
    };
    let preprocessor = match Inspection::of(path, overrides, allowance)?.contents {
        Contents::Preprocessor(preprocessor) => preprocessor,
        Contents::LinearLearner(_) | Contents::Scorer(_) => {
            return Err(Error::bad_artifact(format!("{}: expected a preprocessor, found a model", path.display())));
        }
    };
    let transformer = preprocessor.transformer;
    let names = transformer.feature_names_out.ok_or_else(|| {
        let reason = transformer.feature_names_out_error.unwrap_or_default();
        Error::bad_artifact(format!("{}: its features have no names: {reason}", path.display()))
    })?;
    let named = learner.name_features(names);
    named.map_err(|error| {
        error.context(format_args!("{} does not fit {}", path.display(), learner_path.display())).into()
    })
}

fn in_words(inspection: &Inspection) -> String {
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

/// What an artifact is, in a line.
fn title(inspection: &Inspection) -> String {
    let made_by = |version: &str| match &inspection.written_by {
        Some(program) => format!("fitted by {}, as scikit-learn {version} would have", plain(program)),
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

/// The scripts that another container would run.
fn not_run(page: &mut Page, scripts: &[Script]) {
    for script in scripts {
        let defines = match script.defines.as_slice() {
            [] => String::new(),
            functions => format!(", which defines {}", functions.join(", ")),
        };
        page.line(2, &format!("not run: {}{defines}", path(&script.file)));
    }
}

/// The models beside the one that is served.
fn passed_over(page: &mut Page, files: &[String]) {
    if !files.is_empty() {
        page.list(2, "passed over, and not served from this folder: ", files.iter().map(|file| path(file)));
    }
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}

//! `byoc inspect`: what is in an artifact, in words or as JSON.
//!
//! What there is to say comes from [`crate::model::Inspection`]; here it is put into words, for a person and a width of 100
//! columns (`page`), or printed as JSON.

mod linear_learner;
mod page;
mod place;
mod preprocessor;
mod scorer;
mod weights;

use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use byoc_account::{Account, Allowance, Deadline, Lease, Purpose, system};
use clap::Args;

use crate::cli::overrides::OverrideArguments;
use crate::cli::settings::Settings;
use crate::container::accounts::left_for_the_rest;
use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::model::{Contents, FileSize, Inspection};
use crate::preprocessor::Overrides;
use crate::telemetry::printable;
use page::{Page, plain};
use place::Place;

/// Say what is inside an artifact: transformers, columns, weights, sizes
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A model's folder, a model.tar.gz, a model_algo-1, a preprocessor.json, or a *.joblib, *.pkl or *.pickle; here or in S3 (s3://BUCKET/KEY)
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Preprocessor whose features a linear learner's weights belong to, in any of PATH's forms
    #[arg(long, value_name = "PATH")]
    preprocessor: Option<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArguments,
}

/// Where nothing tells how much memory there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let mut settings = Settings::new(environment);
    let overrides = arguments.overrides.resolve(&mut settings);
    settings.finish()?;
    let memory = system::memory().unwrap_or(UNKNOWN_MEMORY);
    let account = Account::new(memory.saturating_sub(left_for_the_rest(memory)));
    let allowance = Allowance::of(Lease::empty(&account), Purpose::Load, Deadline::never());
    let place = Place::of(&arguments.path, environment)?;
    let inspection = Inspection::of(&place.path, &overrides, &allowance);
    let mut inspection = inspection.map_err(|error| place.said_of(error))?;
    if let Some(preprocessor) = &arguments.preprocessor {
        let place = Place::of(preprocessor, environment)?;
        name_features(&mut inspection, arguments, (&place.path, &overrides), &allowance)
            .map_err(|error| place.said_of(error))?;
    }
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let written = if arguments.json {
        // Not as one text, which may be large.
        let mut lines = printable::JsonLines::new(&mut stdout);
        serde_json::to_writer_pretty(&mut lines, &inspection).map_err(Into::into).and_then(|()| lines.write_all(b"\n"))
    } else {
        let text = in_words(&inspection);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end.as_bytes()))
    };
    match written.and_then(|()| stdout.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::new(Cause::Io, format!("could not write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Gives a linear learner's features the names that a preprocessor has for what it gives.
fn name_features(
    inspection: &mut Inspection,
    arguments: &Arguments,
    (path, overrides): (&Path, &Overrides),
    allowance: &Allowance,
) -> Result<()> {
    let Contents::LinearLearner(learner) = &mut inspection.contents else {
        return Err(Error::new(
            Cause::BadRequest,
            format!("--preprocessor names the weights of a linear learner, and {} is none", arguments.path.display()),
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
    learner
        .name_features(names)
        .map_err(|error| error.context(format_args!("{} does not fit {}", path.display(), arguments.path.display())))
}

fn in_words(inspection: &Inspection) -> String {
    let mut page = Page::default();
    match &inspection.contents {
        Contents::LinearLearner(learner) => {
            page.line(0, &linear_learner::title(learner));
            sizes(&mut page, inspection);
            linear_learner::describe(&mut page, learner);
        }
        Contents::Preprocessor(preprocessor) => {
            page.line(0, &format!("scikit-learn preprocessor, made by scikit-learn {}", preprocessor.scikit_learn));
            sizes(&mut page, inspection);
            preprocessor::describe(&mut page, preprocessor);
        }
        Contents::Scorer(scorer) => {
            let made_by = &scorer.artifact.scikit_learn;
            page.line(0, &format!("scikit-learn scorer ({}), made by scikit-learn {made_by}", plain(&scorer.class)));
            sizes(&mut page, inspection);
            scorer::describe(&mut page, scorer);
        }
    }
    page.into_text()
}

fn sizes(page: &mut Page, inspection: &Inspection) {
    let file = |file: &FileSize| match file.uncompressed_bytes {
        Some(uncompressed) => format!("{} ({}, {uncompressed} uncompressed)", plain(&file.name), bytes(file.bytes)),
        None => format!("{} ({})", plain(&file.name), bytes(file.bytes)),
    };
    page.list(2, "files: ", inspection.files.iter().map(file));
    page.line(2, &format!("in memory: {}", bytes(inspection.memory_bytes)));
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}

//! Runs a job: finds the objects, starts the containers, sends payloads, writes outputs and reports the result.
//!
//! `plan` has the sizes of payloads and `pending` the objects to process; `pieces` splits them, `invocation` sends the
//! pieces to the containers, and `writer` writes the outputs.

mod invocation;
mod pending;
mod pieces;
mod plan;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::Receiver;

use super::failure_report::report;
use super::fingerprint::JobFingerprint;
use super::job::Job;
use super::model::{Invoker, LaunchSettings, Model, ModelSource};
use super::objects;
use super::output::Output;
use super::progress::Progress;
use super::source::Opener;
use crate::error::{Cause, Error, Result};
use crate::signals::{StopSignal, StopSignals};
use crate::telemetry::terminal::REFRESH_INTERVAL;
use byoc_formats::counted::counted;
use invocation::PieceInvoker;
use pending::pending_objects;
use pieces::Piece;
use plan::Plan;
use writer::Writer;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The job.
    pub job: Job,
    /// The model that serves it.
    pub model: ModelSource,
    /// How its containers are started.
    pub launch: LaunchSettings,
    /// Whether to show a status line on the terminal.
    pub is_interactive: bool,
}

/// Runs a job to its end, or until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`Cause::ObjectsFailed`] if some objects failed, with their names and reasons; [`Cause::Stopped`];
/// [`Cause::BadSetting`] and [`Cause::NotHealthy`] before any work is done.
pub fn run(settings: Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Cause::Internal, "no runtime").caused_by(error))?;
    let outcome = runtime.block_on(transform(settings));
    // A thread may still be blocked on a read that is no longer needed.
    runtime.shutdown_background();
    outcome
}

async fn transform(settings: Settings) -> Result<()> {
    let mut signals = StopSignals::listen(&[StopSignal::Terminate, StopSignal::CtrlC])?;
    let Settings { job, model: source, launch, is_interactive } = settings;
    let stopped = |signal: StopSignal| {
        let message = format!(
            "job {}: stopped by {} before it finished; all outputs that were written are complete",
            job.name,
            signal.name()
        );
        Err(Error::new(Cause::Stopped, message))
    };
    let storage = Arc::clone(&launch.storage);
    let source = source.resolve_s3_folder(&storage).await?;
    let objects = objects::find(&storage, job.data_type, &job.input, &job.output).await?;
    let output = Arc::new(Output::open(&job.output, &storage).await?);
    log::info!("job {}: {} in {}, to {}", job.name, counted(objects.len(), "object"), job.input, job.output);
    let variables = variables(&job);
    let started = tokio::select! {
        started = Model::start(&source, &launch, &variables) => started,
        // Dropping the processes stops the containers.
        signal = signals.next() => return stopped(signal),
    };
    let model = Arc::new(started?);

    let plan = Plan::new(&job, model.execution_parameters().await);
    let fingerprint = JobFingerprint::new(&job, &plan.packing, source.version(&storage).await?);
    let total = objects.len();
    let pending = pending_objects(objects, &output, &fingerprint).await?;
    if pending.len() < total {
        log::info!("job {}: {} of {total} outputs are there already", job.name, total - pending.len());
    }
    let invoker = Invoker {
        model: Arc::clone(&model),
        content_type: job.content_type.clone(),
        accept: job.accept.clone(),
        timeout: job.timeout,
        retries: job.retries,
    };
    let read = Arc::new(AtomicU64::new(0));
    let bytes = pending.iter().map(|pending| pending.object.bytes).sum();
    let mut progress = Progress::new(pending.len(), bytes, Arc::clone(&read), is_interactive);
    let opener = Opener { storage, compression: job.compression, read };
    let objects = Arc::new(pending);
    let pieces = pieces::cut(Arc::clone(&objects), opener.clone(), &plan);
    let invoker = PieceInvoker {
        objects: Arc::clone(&objects),
        split: plan.packing.split,
        processing: plan.packing.processing,
        assemble: job.assemble,
        invoker,
        opener,
        output: Arc::clone(&output),
    };
    let writer = Writer::new(Arc::clone(&output), &mut progress);
    let outcome = tokio::select! {
        outcome = process(pieces, &invoker, plan.concurrent, writer) => outcome,
        signal = signals.next() => stopped(signal).map(|()| Vec::new()),
    };
    output.finish_aborts().await;
    tokio::select! {
        () = model.stop() => {}
        _ = signals.next() => {}
    }
    let outcome_word = match &outcome {
        Ok(failures) if failures.is_empty() => "Completed",
        Err(error) if error.cause() == Cause::Stopped => "Stopped",
        _ => "Failed",
    };
    progress.finish(&format!("job {} {outcome_word}", job.name));
    let failures = outcome?;
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::new(Cause::ObjectsFailed, report(&job.name, total, &failures)))
}

/// The job's own variables, and those with which the platform passes the caller's settings to a container
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html).
fn variables(job: &Job) -> std::collections::BTreeMap<String, String> {
    use crate::env;
    let mut variables = job.environment.clone();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            variables.insert(name.to_owned(), value);
        }
    };
    set(env::SAGEMAKER_BATCH, Some("true".to_owned()));
    set(env::SAGEMAKER_MAX_PAYLOAD_IN_MB, job.max_payload_in_mb.map(|megabytes| megabytes.to_string()));
    set(env::SAGEMAKER_MAX_CONCURRENT_TRANSFORMS, job.max_concurrent.map(|count| count.to_string()));
    let strategy = job.strategy.map(|strategy| strategy.name_in_container().to_owned());
    set(env::SAGEMAKER_BATCH_STRATEGY, strategy);
    variables
}

/// Sends the pieces of all objects and writes the outputs; returns the failures.
async fn process(
    mut pieces: Receiver<Piece>,
    invoker: &PieceInvoker,
    concurrent: usize,
    mut writer: Writer<'_>,
) -> Result<Vec<String>> {
    let pieces = stream::poll_fn(move |context| pieces.poll_recv(context));
    let done = pieces.map(|piece| invoker.process(piece)).buffered(concurrent);
    let mut done = std::pin::pin!(done);
    let mut tick = tokio::time::interval(REFRESH_INTERVAL);
    loop {
        tokio::select! {
            next = done.next() => match next {
                Some(outcome) => writer.write(outcome, &invoker.objects).await?,
                None => return Ok(writer.into_failures()),
            },
            _ = tick.tick() => writer.show_progress(),
        }
    }
}

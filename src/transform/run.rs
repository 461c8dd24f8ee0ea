//! Runs a job: finds the objects, starts the containers, sends payloads, writes outputs and reports the result.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::{Receiver, channel};

use super::create_transform_job::AssembleWith;
use super::failure_report::{describe_position, describe_record_error, describe_split_error, report};
use super::fingerprint::JobFingerprint;
use super::job::{Job, MOST_MEGABYTES};
use super::model::{ExecutionParameters, Invoker, LaunchSettings, Model, ModelSource, RecordError, TransformError};
use super::objects::{self, Object};
use super::output::{Draft, Output};
use super::progress::Progress;
use super::source::Opener;
use super::split::{Cutter, Packing, Payload, SplitType, lines};
use crate::error::{Cause, Error, Result};
use crate::platform::batch_strategy::BatchStrategy;
use crate::signals::{StopSignal, StopSignals};
use crate::telemetry::terminal::REFRESH_INTERVAL;
use byoc_formats::error::{Place, chain};

/// MaxPayloadInMB and MaxConcurrentTransforms if neither the job nor the container sets them
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MAX_PAYLOAD_IN_MB: u64 = 6;
const MAX_CONCURRENT: u64 = 1;
/// The target size of a payload if the job does not set MaxPayloadInMB, which is an upper bound for the service too.
/// Some hundredths of a second of work: larger payloads are no faster, but each container and the job hold them, and
/// responses of several times their size, at the same time.
const FILL_IN_MB: u64 = 1;
/// The size of the pieces in which an object is streamed, in bytes.
const PIECE: usize = 256 << 10;

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

/// How payloads are made and how many are sent concurrently.
struct Plan {
    packing: Packing,
    concurrent: usize,
    /// Whether whole objects are streamed.
    streams: bool,
}

impl Plan {
    /// Uses the job's settings, else the container's, else the service's defaults.
    fn new(job: &Job, parameters: ExecutionParameters) -> Plan {
        let payload =
            job.max_payload_in_mb.or(parameters.max_payload_in_mb).unwrap_or(MAX_PAYLOAD_IN_MB).min(MOST_MEGABYTES);
        let fill = job.max_payload_in_mb.unwrap_or(payload.min(FILL_IN_MB));
        let most = MOST_MEGABYTES / payload.max(1);
        let concurrent = job.max_concurrent.or(parameters.max_concurrent).unwrap_or(MAX_CONCURRENT).min(most).max(1);
        let strategy = job.strategy.or(parameters.strategy).unwrap_or(BatchStrategy::MultiRecord);
        Plan {
            packing: Packing {
                split: job.split,
                strategy,
                most: usize::try_from(payload << 20).unwrap_or(usize::MAX),
                fill: usize::try_from(fill << 20).unwrap_or(usize::MAX),
                header: job.header,
                processing: job.processing.clone().map(Arc::new),
            },
            concurrent: usize::try_from(concurrent).unwrap_or(1),
            streams: payload == 0,
        }
    }
}

/// The work of this run.
struct Work {
    objects: Arc<Vec<PendingObject>>,
    plan: Plan,
    invoker: Invoker,
    opener: Opener,
    output: Arc<Output>,
    assemble: AssembleWith,
}

/// An object that needs an output.
#[derive(Debug)]
struct PendingObject {
    object: Object,
    fingerprint: String,
    /// Once a part of it has failed, its other parts are skipped.
    has_failed: AtomicBool,
    /// Whether a mismatch of records and result lines was already logged.
    is_count_reported: AtomicBool,
}

/// The results of splitting objects, in order.
enum Piece {
    Payload(usize, Payload),
    End(usize, u64),
    Failed(usize, Error),
    Whole(usize),
}

/// The outcome of a piece, in the same order.
enum Outcome {
    Answer { object: usize, parts: Vec<Bytes>, records: u64 },
    End { object: usize, records: u64 },
    Whole { object: usize, draft: Box<Draft> },
    Failed { object: usize, message: String },
    Skipped,
    Job(Error),
}

async fn transform(settings: Settings) -> Result<()> {
    let mut signals = StopSignals::listen(&[StopSignal::Terminate, StopSignal::CtrlC])?;
    let Settings { job, model: source, launch, is_interactive } = settings;
    let stopped = |signal: StopSignal| {
        let message =
            format!("job {}: {} before its end; all outputs that were written are complete", job.name, signal.name());
        Err(Error::new(Cause::Stopped, message))
    };
    let storage = Arc::clone(&launch.storage);
    let source = source.resolve_s3_folder(&storage).await?;
    let objects = objects::find(&storage, job.data_type, &job.input, &job.output).await?;
    let output = Arc::new(Output::open(&job.output, &storage).await?);
    log::info!("job {}: {} objects in {}, to {}", job.name, objects.len(), job.input, job.output);
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
    let work =
        Work { objects: Arc::new(pending), plan, invoker, opener, output: Arc::clone(&output), assemble: job.assemble };
    let outcome = tokio::select! {
        outcome = work.run(&mut progress) => outcome,
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

/// The objects whose outputs are missing or outdated.
async fn pending_objects(objects: Vec<Object>, output: &Output, job: &JobFingerprint) -> Result<Vec<PendingObject>> {
    let looked = stream::iter(objects).map(|object| async move {
        let fingerprint = job.of_object(&object);
        let is_done = output.is_done(&object.name, &fingerprint).await?;
        Ok((!is_done).then_some(PendingObject {
            object,
            fingerprint,
            has_failed: AtomicBool::new(false),
            is_count_reported: AtomicBool::new(false),
        }))
    });
    let looked: Vec<Result<Option<PendingObject>>> = looked.buffered(16).collect().await;
    looked.into_iter().filter_map(Result::transpose).collect()
}

impl Work {
    /// Processes all objects; returns the failures.
    async fn run(&self, progress: &mut Progress) -> Result<Vec<String>> {
        let mut pieces = self.cut();
        let pieces = stream::poll_fn(move |context| pieces.poll_recv(context));
        let done = pieces.map(|piece| self.answer(piece)).buffered(self.plan.concurrent);
        let mut done = std::pin::pin!(done);
        let mut failures = Vec::new();
        let mut draft: Option<Draft> = None;
        let mut tick = tokio::time::interval(REFRESH_INTERVAL);
        loop {
            let next = tokio::select! {
                next = done.next() => next,
                _ = tick.tick() => { progress.show(); continue }
            };
            match next {
                None => return Ok(failures),
                Some(Outcome::Skipped) => {}
                Some(Outcome::Job(error)) => return Err(error),
                Some(Outcome::Answer { object, parts, records }) => {
                    let Some(pending) = self.objects.get(object) else { continue };
                    if pending.has_failed.load(Ordering::Relaxed) {
                        continue;
                    }
                    let open = match &mut draft {
                        Some(open) => open,
                        None => draft.insert(self.begin(pending)?),
                    };
                    for part in parts {
                        open.write(part).await?;
                    }
                    progress.records(records);
                }
                Some(Outcome::End { object, records }) => {
                    let Some(pending) = self.objects.get(object) else { continue };
                    if !pending.has_failed.load(Ordering::Relaxed) {
                        // An object without records has an empty output.
                        let finished = draft.take().map_or_else(|| self.begin(pending), Ok)?;
                        let line = format!("{}: {records} records", pending.object.name);
                        self.commit(finished, pending, &line, progress, &mut failures).await?;
                    }
                }
                Some(Outcome::Whole { object, draft }) => {
                    let Some(pending) = self.objects.get(object) else { continue };
                    self.commit(*draft, pending, &pending.object.name, progress, &mut failures).await?;
                }
                Some(Outcome::Failed { object, message }) => {
                    let Some(pending) = self.objects.get(object) else { continue };
                    if !pending.has_failed.swap(true, Ordering::Relaxed) {
                        draft = None;
                        self.fail(pending, &message, progress, &mut failures).await?;
                    }
                }
            }
        }
    }

    /// Publishes an object's output. If something else is in its place, only this object fails.
    async fn commit(
        &self,
        draft: Draft,
        pending: &PendingObject,
        line: &str,
        progress: &mut Progress,
        failures: &mut Vec<String>,
    ) -> Result<()> {
        match draft.finish().await {
            Ok(()) => progress.done(line),
            Err(error) if error.cause() == Cause::ObjectsFailed => {
                self.fail(pending, &chain(&error).to_string(), progress, failures).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn fail(
        &self,
        pending: &PendingObject,
        message: &str,
        progress: &mut Progress,
        failures: &mut Vec<String>,
    ) -> Result<()> {
        self.output.remove(&pending.object.name).await?;
        let failure = format!("{}: {message}", pending.object.name);
        progress.failed(&failure);
        failures.push(failure);
        Ok(())
    }

    fn begin(&self, pending: &PendingObject) -> Result<Draft> {
        self.output.begin(&pending.object.name, &pending.fingerprint)
    }

    /// Splits all objects, one after another, on a separate thread.
    fn cut(&self) -> Receiver<Piece> {
        let (pieces, received) = channel(1);
        let objects = Arc::clone(&self.objects);
        let opener = self.opener.clone();
        let packing = self.plan.packing.clone();
        let streams = self.plan.streams;
        tokio::task::spawn_blocking(move || {
            for (index, pending) in objects.iter().enumerate() {
                if streams {
                    if pieces.blocking_send(Piece::Whole(index)).is_err() {
                        return;
                    }
                    continue;
                }
                let mut records = 0;
                let mut cutter = match opener.open(&pending.object) {
                    Ok(bytes) => Cutter::new(bytes, packing.clone()),
                    Err(error) => {
                        // The job is over and the receiver was dropped.
                        if pieces.blocking_send(Piece::Failed(index, error)).is_err() {
                            return;
                        }
                        continue;
                    }
                };
                let last = loop {
                    if pending.has_failed.load(Ordering::Relaxed) {
                        break Piece::End(index, records);
                    }
                    match cutter.next() {
                        Ok(Some(payload)) => {
                            records += payload.count;
                            if pieces.blocking_send(Piece::Payload(index, payload)).is_err() {
                                return;
                            }
                        }
                        Ok(None) => break Piece::End(index, records),
                        Err(error) => break Piece::Failed(index, error),
                    }
                };
                if pieces.blocking_send(last).is_err() {
                    return;
                }
            }
        });
        received
    }

    /// Processes a piece.
    async fn answer(&self, piece: Piece) -> Outcome {
        match piece {
            Piece::End(object, records) => Outcome::End { object, records },
            Piece::Failed(object, error) => Outcome::Failed { object, message: describe_split_error(error) },
            Piece::Payload(object, payload) => {
                let pending = match self.objects.get(object) {
                    Some(pending) if !pending.has_failed.load(Ordering::Relaxed) => pending,
                    _ => return Outcome::Skipped,
                };
                match self.parts(pending, &payload).await {
                    Ok(parts) => Outcome::Answer { object, parts, records: payload.count },
                    Err(TransformError::Job(error)) => Outcome::Job(error),
                    Err(TransformError::Records(error)) => {
                        Outcome::Failed { object, message: describe_record_error(&payload, error) }
                    }
                }
            }
            Piece::Whole(object) => {
                let Some(pending) = self.objects.get(object) else { return Outcome::Skipped };
                match self.whole(pending).await {
                    Ok(draft) => Outcome::Whole { object, draft: Box::new(draft) },
                    Err(TransformError::Job(error)) => Outcome::Job(error),
                    Err(TransformError::Records(error)) => Outcome::Failed { object, message: error.to_string() },
                }
            }
        }
    }

    /// Logs, once per object, that the number of result lines differs from the number of records. Some containers do so
    /// by
    fn report_line_count(&self, pending: &PendingObject, payload: &Payload, answer: &[u8]) {
        if (self.plan.packing.split, self.assemble) != (SplitType::Line, AssembleWith::Line) {
            return;
        }
        let lines = lines(answer);
        if lines != payload.count && !pending.is_count_reported.swap(true, Ordering::Relaxed) {
            let place = describe_position(payload, None);
            log::warn!(
                "{}: {place}: the container answered {lines} lines to {} records",
                pending.object.name,
                payload.count
            );
        }
    }

    /// The output of a payload.
    async fn parts(&self, pending: &PendingObject, payload: &Payload) -> Result<Vec<Bytes>, TransformError> {
        let answer = self.invoker.invoke(payload.body.clone()).await?;
        self.report_line_count(pending, payload, &answer);
        let answer = match &self.plan.packing.processing {
            Some(processing) if processing.touches_output() => {
                let (processing, payload) = (Arc::clone(processing), payload.clone());
                let finishing = tokio::task::spawn_blocking(move || {
                    let records = if processing.keeps_input() {
                        payload.records(&processing).map_err(|message| (None, message))?
                    } else {
                        Vec::new()
                    };
                    let finished = processing.finish(&records, &answer);
                    finished.map_err(|problem| (problem.record.map(|record| record + 1), problem.message))
                });
                let finished = finishing.await.map_err(|error| {
                    TransformError::Job(
                        Error::new(Cause::Internal, "an object's output did not finish").caused_by(error),
                    )
                })?;
                Bytes::from(finished.map_err(|(row, message)| {
                    let place = Place { row, ..Place::default() };
                    TransformError::Records(RecordError { by: String::new(), place, message })
                })?)
            }
            _ => answer,
        };
        let needs_line_end = self.assemble == AssembleWith::Line && !answer.ends_with(b"\n");
        Ok(if needs_line_end { vec![answer, Bytes::from_static(b"\n")] } else { vec![answer] })
    }

    /// Streams a whole object.
    async fn whole(&self, pending: &PendingObject) -> Result<Draft, TransformError> {
        if pending.object.bytes == 0 {
            return self.begin(pending).map_err(TransformError::Job);
        }
        let body = || {
            let unreadable = Arc::new(Mutex::new(None));
            let (pieces, mut received) = channel::<std::io::Result<Bytes>>(2);
            let (opener, object, problem) = (self.opener.clone(), pending.object.clone(), Arc::clone(&unreadable));
            tokio::task::spawn_blocking(move || {
                let send = |piece| pieces.blocking_send(piece).is_ok();
                let give_up = |error: Error| {
                    let message = chain(&error).to_string();
                    *problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    send(Err(std::io::Error::other(message)));
                };
                let mut bytes = match opener.open(&object) {
                    Ok(bytes) => bytes,
                    Err(error) => return give_up(error),
                };
                loop {
                    let mut piece = Vec::with_capacity(PIECE);
                    match bytes.by_ref().take(PIECE as u64).read_to_end(&mut piece) {
                        Ok(0) => return,
                        Ok(_) if send(Ok(Bytes::from(piece))) => {}
                        Ok(_) => return,
                        Err(error) => return give_up(Error::bad_payload("cannot be read").caused_by(error)),
                    }
                }
            });
            let pieces = stream::poll_fn(move |context| received.poll_recv(context));
            (pieces.boxed(), unreadable)
        };
        let mut draft = self.invoker.stream(body, || self.begin(pending)).await?;
        if self.assemble == AssembleWith::Line && !draft.ends_in_line_end() {
            draft.write(Bytes::from_static(b"\n")).await.map_err(TransformError::Job)?;
        }
        Ok(draft)
    }
}

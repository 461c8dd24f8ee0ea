//! Sends the pieces of objects to the containers and finishes their answers.

use std::io::Read as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::channel;

use super::pending::PendingObject;
use super::pieces::Piece;
use crate::error::{Cause, Error, Result};
use crate::transform::create_transform_job::AssembleWith;
use crate::transform::failure_report::{describe_position, describe_record_error, describe_split_error};
use crate::transform::model::{Invoker, RecordError, TransformError};
use crate::transform::output::{Draft, Output};
use crate::transform::processing::DataProcessing;
use crate::transform::source::Opener;
use crate::transform::split::{Payload, SplitType, lines};
use byoc_formats::counted::counted;
use byoc_formats::error::{Place, chain};

/// The size of the pieces in which an object is streamed, in bytes.
const PIECE: usize = 256 << 10;

/// The outcome of a piece, in the same order.
pub(super) enum Outcome {
    Answer { object: usize, parts: Vec<Bytes>, records: u64 },
    End { object: usize, records: u64 },
    Whole { object: usize, draft: Box<Draft> },
    Failed { object: usize, message: String },
    Skipped,
    Job(Error),
}

/// Turns pieces into outcomes.
pub(super) struct PieceInvoker {
    pub(super) objects: Arc<Vec<PendingObject>>,
    pub(super) split: SplitType,
    pub(super) processing: Option<Arc<DataProcessing>>,
    pub(super) assemble: AssembleWith,
    pub(super) invoker: Invoker,
    pub(super) opener: Opener,
    pub(super) output: Arc<Output>,
}

impl PieceInvoker {
    /// The outcome of a piece.
    pub(super) async fn process(&self, piece: Piece) -> Outcome {
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
    /// by design.
    fn report_line_count(&self, pending: &PendingObject, payload: &Payload, answer: &[u8]) {
        if (self.split, self.assemble) != (SplitType::Line, AssembleWith::Line) {
            return;
        }
        let lines = lines(answer);
        if lines != payload.count && !pending.is_count_reported.swap(true, Ordering::Relaxed) {
            let place = describe_position(payload, None);
            log::warn!(
                "{}: {place}: the container answered {} to {}",
                pending.object.name,
                counted(lines, "line"),
                counted(payload.count, "record")
            );
        }
    }

    /// The output of a payload.
    async fn parts(&self, pending: &PendingObject, payload: &Payload) -> Result<Vec<Bytes>, TransformError> {
        let answer = self.invoker.invoke(payload.body.clone()).await?;
        self.report_line_count(pending, payload, &answer);
        let answer = match &self.processing {
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
            return pending.begin(&self.output).map_err(TransformError::Job);
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
        let mut draft = self.invoker.stream(body, || pending.begin(&self.output)).await?;
        if self.assemble == AssembleWith::Line && !draft.ends_in_line_end() {
            draft.write(Bytes::from_static(b"\n")).await.map_err(TransformError::Job)?;
        }
        Ok(draft)
    }
}

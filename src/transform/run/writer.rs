//! Writes the outputs of objects and collects the failures.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::invocation::Outcome;
use super::pending::PendingObject;
use crate::error::{Cause, Result};
use crate::transform::output::{Draft, Output};
use crate::transform::progress::Progress;
use byoc_formats::counted::counted;
use byoc_formats::error::chain;

/// Writes the outcomes of pieces, in the order of the pieces.
pub(super) struct Writer<'a> {
    output: Arc<Output>,
    progress: &'a mut Progress,
    /// The output of the object whose pieces arrive.
    draft: Option<Draft>,
    failures: Vec<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(output: Arc<Output>, progress: &'a mut Progress) -> Writer<'a> {
        Writer { output, progress, draft: None, failures: Vec::new() }
    }

    /// Refreshes the status line.
    pub(super) fn show_progress(&self) {
        self.progress.show();
    }

    /// The failed objects, each with the reason.
    pub(super) fn into_failures(self) -> Vec<String> {
        self.failures
    }

    /// Writes an outcome. The failure of an object is collected.
    ///
    /// # Errors
    /// Those after which the job cannot continue.
    pub(super) async fn write(&mut self, outcome: Outcome, objects: &[PendingObject]) -> Result<()> {
        match outcome {
            Outcome::Skipped => {}
            Outcome::Job(error) => return Err(error),
            Outcome::Answer { object, parts, records } => {
                let Some(pending) = objects.get(object) else { return Ok(()) };
                if pending.has_failed.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let open = match &mut self.draft {
                    Some(open) => open,
                    None => self.draft.insert(pending.begin(&self.output)?),
                };
                for part in parts {
                    open.write(part).await?;
                }
                self.progress.records(records);
            }
            Outcome::End { object, records } => {
                let Some(pending) = objects.get(object) else { return Ok(()) };
                if !pending.has_failed.load(Ordering::Relaxed) {
                    // An object without records has an empty output.
                    let finished = self.draft.take().map_or_else(|| pending.begin(&self.output), Ok)?;
                    let line = format!("{}: {}", pending.object.name, counted(records, "record"));
                    self.commit(finished, pending, &line).await?;
                }
            }
            Outcome::Whole { object, draft } => {
                let Some(pending) = objects.get(object) else { return Ok(()) };
                self.commit(*draft, pending, &pending.object.name).await?;
            }
            Outcome::Failed { object, message } => {
                let Some(pending) = objects.get(object) else { return Ok(()) };
                if !pending.has_failed.swap(true, Ordering::Relaxed) {
                    self.draft = None;
                    self.fail(pending, &message).await?;
                }
            }
        }
        Ok(())
    }

    /// Publishes an object's output. If something else is in its place, only this object fails.
    async fn commit(&mut self, draft: Draft, pending: &PendingObject, line: &str) -> Result<()> {
        match draft.finish().await {
            Ok(()) => self.progress.done(line),
            Err(error) if error.cause() == Cause::ObjectsFailed => {
                self.fail(pending, &chain(&error).to_string()).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn fail(&mut self, pending: &PendingObject, message: &str) -> Result<()> {
        self.output.remove(&pending.object.name).await?;
        let failure = format!("{}: {message}", pending.object.name);
        self.progress.failed(&failure);
        self.failures.push(failure);
        Ok(())
    }
}

//! The platform's word that a job is to end: SIGTERM, 120 seconds before the end; a terminal's: Ctrl-C, or that it is closed.

use crate::error::{Cause, Error, Result};
use crate::signals::{StopSignal, StopSignals};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a job is to end. Copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct StopFlag(Arc<AtomicBool>);

/// What there is to say when a job ended before it had anything to write.
pub(super) fn stopped() -> byoc_formats::error::Error {
    byoc_formats::error::Error::new(
        byoc_formats::error::Cause::Stopped,
        "told to stop before there was a model: nothing is written",
    )
}

impl StopFlag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Listens for SIGTERM, and where a person watches for Ctrl-C and for the end of the terminal.
    pub(super) fn on_signal() -> Result<StopFlag> {
        let failed = |error: std::io::Error| {
            Error::new(Cause::Internal, "could not start a thread that listens for signals").caused_by(error)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        let mut signals = {
            let _within = runtime.enter();
            StopSignals::listen(&[StopSignal::Terminate, StopSignal::CtrlC, StopSignal::Hangup])?
        };
        let stop = StopFlag::default();
        let set = stop.clone();
        let listen = move || {
            runtime.block_on(signals.next());
            log::info!("told to stop: what there is of a model is written");
            set.set();
        };
        std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(stop)
    }
}

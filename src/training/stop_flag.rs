//! Stops a job: on SIGTERM, which SageMaker sends 120 seconds before SIGKILL, on Ctrl-C and when the terminal is
//! closed.

use crate::error::{Cause, Error, Result};
use crate::signals::{StopSignal, StopSignals};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says whether the job must stop. All copies share one flag.
#[derive(Clone, Debug, Default)]
pub(super) struct StopFlag(Arc<AtomicBool>);

/// The error of a job that was stopped before it had a model to write.
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

    /// A flag that is set by SIGTERM, Ctrl-C and SIGHUP.
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
            log::info!("told to stop: the best model so far is written");
            set.set();
        };
        std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(stop)
    }
}

//! The signals that ask the program to stop.

use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Cause, Error, Result};

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM, sent by SageMaker, Docker or an init system.
    Terminate,
    /// SIGINT, sent by Ctrl-C at a terminal.
    CtrlC,
    /// SIGHUP, sent when the terminal closes.
    Hangup,
}

impl StopSignal {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            StopSignal::Terminate => "SIGTERM",
            StopSignal::CtrlC => "Ctrl-C",
            StopSignal::Hangup => "SIGHUP",
        }
    }

    fn kind(self) -> SignalKind {
        match self {
            StopSignal::Terminate => SignalKind::terminate(),
            StopSignal::CtrlC => SignalKind::interrupt(),
            StopSignal::Hangup => SignalKind::hangup(),
        }
    }
}

/// Listens for signals, which then no longer terminate the process by default.
#[derive(Debug)]
pub struct StopSignals(Vec<(StopSignal, Signal)>);

impl StopSignals {
    /// Starts listening for these signals. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Cause::Io`] if the system does not allow it.
    pub fn listen(signals: &[StopSignal]) -> Result<StopSignals> {
        let listen = |kind: &StopSignal| match signal(kind.kind()) {
            Ok(listener) => Ok((*kind, listener)),
            Err(error) => Err(Error::new(Cause::Io, format!("could not listen for {}", kind.name())).caused_by(error)),
        };
        signals.iter().map(listen).collect::<Result<_>>().map(StopSignals)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> StopSignal {
        std::future::poll_fn(|context| {
            let mut listeners = self.0.iter_mut();
            match listeners.find_map(|(kind, listener)| listener.poll_recv(context).is_ready().then_some(*kind)) {
                Some(kind) => Poll::Ready(kind),
                None => Poll::Pending,
            }
        })
        .await
    }
}

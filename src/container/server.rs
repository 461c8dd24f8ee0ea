//! Runs a container: listens, loads the model, serves, and drains before it stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::App;
use actix_web::web::Data;
use byoc_account::Lease;
use tokio::sync::oneshot;

use crate::container::accounts::max_connections;
use crate::container::app;
use crate::container::config::{Config, Mode};
use crate::container::services::Services;
use crate::container::single_model;
use crate::error::{Cause, Error, Result};
use crate::http::server::{self, CONNECTION_MEMORY, ServerConfig, listen_error};
use crate::signals::{StopSignal, StopSignals};
use crate::telemetry;
use crate::telemetry::logs::LISTENING_ON;

/// How long requests in flight may take to finish after SIGTERM. SageMaker sends SIGKILL 30 s after SIGTERM.
const DRAIN_SECONDS: u64 = 20;
const DRAIN_LIMIT: Duration = Duration::from_secs(DRAIN_SECONDS);

/// Serves until SIGTERM, Ctrl-C, or, with `stop_on_stdin_eof`, the end of standard input. A second signal cuts off the
/// requests that are still in flight.
///
/// # Errors
/// [`Cause::Io`] if the port is taken; those of [`Registry::load`](crate::container::registry::Registry::load) for the
/// model of single-model mode; [`Cause::CutOff`] if a request did not end in time.
pub fn run(config: Config) -> Result<()> {
    server::configure_allocator();
    telemetry::metrics::start();
    actix_web::rt::System::new().block_on(serve(config))
}

async fn serve(config: Config) -> Result<()> {
    let mut signals = StopSignals::listen(&[StopSignal::Terminate, StopSignal::CtrlC])?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address).map_err(|error| listen_error(address, error))?;
    let address = listener.local_addr().map_err(|error| listen_error(address, error))?;
    // The first line of the log: it gives the actual port if port 0 was requested.
    log::info!(target: telemetry::logs::LISTENING_TARGET, "{LISTENING_ON}http://{address}");

    let services = Data::new(Services::start(&config)?);
    let whole = Arc::clone(&services.accounts.whole);
    let app_services = services.clone();
    let mode = config.mode.clone();
    let server_config = ServerConfig {
        workers: Some(config.workers),
        max_connections: Some(max_connections(config.memory)),
        shutdown_timeout: DRAIN_SECONDS,
        client_timeout: config.timeout,
        // A connection is accepted even if there is no memory to lease: `max_connections` bounds their number.
        on_open: move || whole.lease(CONNECTION_MEMORY).unwrap_or_else(|_| Lease::empty(&whole)),
    };
    let app = move || App::new().configure(app::configure(app_services.clone(), &mode));
    let server = server::serve(listener, server_config, app).map_err(|error| listen_error(address, error))?;
    let handle = server.handle();
    let server = actix_web::rt::spawn(server);

    let metrics_upkeep = actix_web::rt::spawn(async {
        loop {
            tokio::time::sleep(telemetry::metrics::UPKEEP_INTERVAL).await;
            telemetry::metrics::upkeep();
        }
    });
    let outcome = {
        let mut stop = std::pin::pin!(wait_for_stop(&mut signals, config.stop_on_stdin_eof));
        tokio::select! {
            loaded = load_single(&config, services) => match loaded {
                Ok(()) => { stop.await; Ok(()) }
                Err(error) => Err(error),
            },
            () = &mut stop => Ok(()),
        }
    };
    let stopping = Instant::now();
    tokio::select! {
        () = server::stop(&handle, outcome.is_ok()) => {}
        signal = signals.next() => {
            let message = format!("requests in flight were cut off: {}", signal.name());
            return outcome.and(Err(Error::new(Cause::CutOff, message)));
        }
    }
    // actix cuts off requests at its shutdown timeout without reporting it: only the elapsed time shows it.
    let is_cut_off = outcome.is_ok() && stopping.elapsed() >= DRAIN_LIMIT;
    metrics_upkeep.abort();
    match server.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Error::new(Cause::Io, "the server failed").caused_by(error)),
        Err(error) => return Err(Error::new(Cause::Internal, "the server did not end").caused_by(error)),
    }
    outcome?;
    if is_cut_off {
        let message = format!("a request in flight did not end within {DRAIN_SECONDS} s and was cut off");
        return Err(Error::new(Cause::CutOff, message));
    }
    log::info!("stopped");
    Ok(())
}

/// Loads the model of single-model mode.
async fn load_single(config: &Config, services: Data<Services>) -> Result<()> {
    match &config.mode {
        Mode::SingleModel(location) => single_model::load(location.clone(), &config.s3, services).await,
        Mode::MultiModel => {
            log::info!("multi-model: waiting for models");
            Ok(())
        }
    }
}

/// Waits for a signal or the end of standard input, and logs which one stops the process.
async fn wait_for_stop(signals: &mut StopSignals, stop_on_stdin_eof: bool) {
    let end_of_input = async {
        if stop_on_stdin_eof && end_of_stdin().await.is_ok() {
            return "the end of standard input";
        }
        std::future::pending().await
    };
    let reason = tokio::select! {
        signal = signals.next() => signal.name(),
        reason = end_of_input => reason,
    };
    log::info!(
        "{reason}: no new connections; finishing requests in flight (up to {DRAIN_SECONDS} s, or until the next signal)"
    );
}

/// Resolves when standard input ends. A separate thread reads it, since a runtime that shuts down waits for blocked
/// reads.
fn end_of_stdin() -> oneshot::Receiver<()> {
    let (ended, has_ended) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(());
    });
    has_ended
}

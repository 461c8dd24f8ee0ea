//! The life of an endpoint: listen, start the containers, answer, drain, stop the containers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use reqwest::Url;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::client_side::{self, Services};
use super::config::EndpointConfig;
use super::container_side::{self, Started, Starter, Surroundings, stop_all};
use super::identity::Identity;
use super::try_it;
use crate::error::{Cause, Error, Result};
use crate::telemetry;

/// How long requests in flight may take to end: as long as an invocation may last.
const DRAIN_SECONDS: u64 = 60;
/// How long an idle connection of a client is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What an endpoint runs with.
#[derive(Debug)]
pub struct Settings {
    /// The file that `config` was read from.
    pub config_file: PathBuf,
    /// What it is made of.
    pub config: EndpointConfig,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 picks a free one.
    pub port: u16,
    /// Where to unpack models; a folder of its own that is removed at the end if `None`.
    pub state_dir: Option<PathBuf>,
    /// The program that is a container when called with `serve`.
    pub executable: PathBuf,
    /// Containers that run already, by name, and where they listen.
    pub running: BTreeMap<String, Url>,
    /// What is the same for all containers.
    pub surroundings: Surroundings,
}

/// Runs an endpoint until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`Cause::BadSetting`] for what can be known before the start, [`Cause::Io`] when the port is taken,
/// [`Cause::NotHealthy`] when a container does not become healthy.
pub fn run(settings: Settings) -> Result<()> {
    telemetry::metrics::start();
    actix_web::rt::System::new().block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let mut signals = Signals::listen()?;
    let state = StateDir::open(settings.state_dir)?;
    let starter = Starter {
        executable: settings.executable,
        running: settings.running,
        state_dir: state.path()?,
        surroundings: settings.surroundings,
    };
    starter.check(&settings.config.containers).map_err(|error| error.context(settings.config_file.display()))?;

    let address = SocketAddr::new(settings.host, settings.port);
    let listener = TcpListener::bind(address).map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(address, &error))?;
    // The first line of the log: whoever asked for port 0 reads the port from it.
    log::info!(target: telemetry::logs::LISTENING, "listening on http://{address}");

    let identity = Identity {
        endpoint: settings.config.endpoint_name.clone(),
        region: starter.surroundings.region.clone(),
        account: settings.config.account.clone(),
    };
    let services = Data::new(Services::creating(identity));
    let handle = start_server(listener, address, services.clone())?;
    let upkeep = actix_web::rt::spawn(async {
        loop {
            tokio::time::sleep(telemetry::metrics::UPKEEP_INTERVAL).await;
            telemetry::metrics::upkeep();
        }
    });

    let client = container_side::client().map_err(|error| Error::new(Cause::Internal, error.to_string()))?;
    let begun = Instant::now();
    let started = tokio::select! {
        started = starter.start(&client, &settings.config.containers) => started,
        // The containers end when their processes are dropped.
        reason = signals.next() => {
            log::info!("{reason}: the endpoint was still Creating");
            handle.stop(false).await;
            return Ok(());
        }
    };
    let outcome = match started {
        Ok(Started { pipeline, processes }) => {
            let multi_model = pipeline.is_multi_model();
            services.in_service(pipeline);
            let took = begun.elapsed().as_secs_f64() * 1e3;
            log::info!("endpoint {} is InService after {took:.0} ms", settings.config.endpoint_name);
            let advice = try_it::advice(&settings.config, &settings.config_file, address, multi_model);
            // Not a log line: it is to be copied. Whoever closed the pipe does not want it.
            let _ = std::io::stdout().lock().write_all(advice.as_bytes());

            let reason = signals.next().await;
            log::info!("{reason}: no new connections; finishing what is in flight (up to {DRAIN_SECONDS} s)");
            tokio::select! {
                () = handle.stop(true) => {}
                _ = signals.next() => handle.stop(false).await,
            }
            stop_all(processes).await;
            log::info!("stopped");
            Ok(())
        }
        Err(error) => {
            handle.stop(false).await;
            Err(error)
        }
    };
    upkeep.abort();
    outcome
}

/// Starts to answer clients.
fn start_server(listener: TcpListener, address: SocketAddr, services: Data<Services>) -> Result<ServerHandle> {
    let server = HttpServer::new(move || {
        App::new()
            // Made on the thread that uses it, so that its connections live there.
            .data_factory(|| std::future::ready(container_side::client()))
            .configure(client_side::configure(services.clone()))
    })
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .listen(listener)
    .map_err(|error| cannot_listen(address, &error))?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Error {
    let advice = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            ": another program has the port; choose another with --port, such as --port 9000, or 0 for a free one"
        }
        std::io::ErrorKind::PermissionDenied => ": ports below 1024 need more rights; choose another with --port",
        _ => "",
    };
    Error::new(Cause::Io, format!("could not listen on {address}: {error}{advice}"))
}

/// The endpoint's folder.
enum StateDir {
    /// The user's; it stays.
    Kept(PathBuf),
    /// Our own; it goes when this is dropped.
    Temporary(tempfile::TempDir),
}

impl StateDir {
    fn open(given: Option<PathBuf>) -> Result<StateDir> {
        match given {
            Some(folder) => {
                std::fs::create_dir_all(&folder).map_err(|error| Error::io("make the folder", &folder, &error))?;
                Ok(StateDir::Kept(folder))
            }
            None => {
                let made = tempfile::Builder::new().prefix("byoc-endpoint-").tempdir();
                let folder = made.map_err(|error| {
                    Error::new(Cause::Io, format!("could not make a folder for temporary files: {error}"))
                })?;
                Ok(StateDir::Temporary(folder))
            }
        }
    }

    /// Where it is, whatever the current folder: containers are told it.
    fn path(&self) -> Result<PathBuf> {
        let folder = match self {
            StateDir::Kept(folder) => folder.as_path(),
            StateDir::Temporary(folder) => folder.path(),
        };
        std::path::absolute(folder).map_err(|error| Error::io("find", folder, &error))
    }
}

/// What stops an endpoint.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Signals> {
        let listen = |kind| {
            signal(kind).map_err(|error| Error::new(Cause::Io, format!("could not listen for signals: {error}")))
        };
        Ok(Signals { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }
}

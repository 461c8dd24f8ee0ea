//! Runs endpoints: listens, starts the containers, answers requests, drains, and stops the containers.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::App;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use futures_util::future::join_all;
use reqwest::Url;

use super::client_side::authorization::Authorization;
use super::client_side::{self, AllowedHosts, Services};
use super::config::EndpointConfig;
use super::container_side::{ContainerSettings, stop_all};
use super::deployment::{self, Deployment, EndpointContext};
use super::example_commands;
use super::limits::Limits;
use crate::error::{Cause, Error, Result};
use crate::http::server::{self, ServerConfig, listen_error};
use crate::platform::http;
use crate::signals::{StopSignal, StopSignals};
use crate::storage::{Folders, Location};
use crate::supervisor::BackgroundSupervisor;
use crate::telemetry;
use crate::telemetry::logs::LISTENING_ON;
use crate::temporary_folder::TemporaryFolder;

/// How long to wait for abandoned requests to write their failures.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The lock file in a state folder.
const LOCK: &str = "lock";

/// The settings of the endpoints.
#[derive(Debug)]
pub struct Settings {
    /// Their configurations, each with the file that it was read from.
    pub endpoints: Vec<(PathBuf, EndpointConfig)>,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 picks a free one.
    pub port: u16,
    /// The principals and their policies; if `None`, every request is allowed.
    pub authorization: Option<Authorization>,
    /// Time, size and memory limits.
    pub limits: Limits,
    /// The state folder, in which models are unpacked; if `None`, a temporary folder that is removed at the end.
    pub state_dir: Option<PathBuf>,
    /// The path of the state folder's `models` in a multi-model container that is already running; the same path if
    /// `None`.
    pub models_seen_at: Option<String>,
    /// Names under which the endpoint answers beside loopback names, IP addresses and AWS's.
    pub allowed_hosts: AllowedHosts,
    /// The folders from which inputs of asynchronous invocations may be read; the state folder and those of the
    /// configurations if `None`.
    pub async_input_roots: Option<Vec<PathBuf>>,
    /// The output folder of asynchronous invocations; below the state folder if `None`.
    pub async_output: Option<Location>,
    /// The executable that runs a container when called with `serve`.
    pub executable: PathBuf,
    /// Containers that are already running, by `HOSTNAME`, `VARIANT/HOSTNAME` or `ENDPOINT/VARIANT/HOSTNAME`, and their
    /// addresses.
    pub running: BTreeMap<String, Url>,
    /// The settings that all containers share.
    pub container_settings: ContainerSettings,
}

/// Runs endpoints until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`Cause::BadSetting`] for invalid settings, [`Cause::Io`] if the port is in use,
/// [`Cause::NotHealthy`] if a container does not become healthy.
pub fn run(settings: Settings) -> Result<()> {
    server::configure_allocator();
    telemetry::metrics::start();
    actix_web::rt::System::new().block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let mut signals = StopSignals::listen(&[StopSignal::Terminate, StopSignal::CtrlC, StopSignal::Hangup])?;
    let state = StateDir::open(settings.state_dir)?;
    let state_dir = state.path()?;
    let responses_are_temporary = settings.async_output.is_none() && matches!(state, StateDir::Temporary(_));
    let default_output = || Location::Local(deployment::async_output(&state_dir));
    let async_output = settings.async_output.unwrap_or_else(default_output);
    let principals = settings.authorization.as_ref().map(Authorization::principals);
    let of_configurations = || settings.endpoints.iter().map(|(file, _)| folder_of(file));
    let roots = settings.async_input_roots;
    let roots = roots.unwrap_or_else(|| of_configurations().chain([state_dir.clone()]).collect());
    let context = EndpointContext {
        async_inputs: Arc::new(Folders::below(roots)),
        executable: settings.executable,
        running: settings.running,
        async_output,
        state_dir,
        models_seen_at: settings.models_seen_at,
        container_settings: settings.container_settings,
        account: principals.map(|principals| principals.account().to_owned()),
    };
    let endpoints = settings.endpoints.into_iter();
    let mut deployments: Vec<Deployment> =
        endpoints.map(|(file, config)| Deployment::new(file, config, &context)).collect();
    deployment::check(&deployments, &context)?;

    let address = SocketAddr::new(settings.host, settings.port);
    let listener = TcpListener::bind(address).map_err(|error| listen_error(address, error))?;
    let address = listener.local_addr().map_err(|error| listen_error(address, error))?;
    // The first log line, from which a caller that asked for port 0 reads the port.
    let asked = match principals {
        None => "signatures are not checked; --iam FILE checks callers".to_owned(),
        Some(principals) => format!("signatures are checked against {} principals", principals.count()),
    };
    log::info!(target: telemetry::logs::LISTENING_TARGET, "{LISTENING_ON}http://{address} ({asked})");
    for doubt in principals.map_or(&[][..], |principals| principals.warnings()) {
        log::warn!("{doubt}");
    }
    if let StateDir::Temporary(folder) = &state {
        folder.remove_abandoned();
    }
    if responses_are_temporary && deployments.iter().any(Deployment::uses_default_async_output) {
        log::warn!(
            "answers of asynchronous invocations are in a temporary folder that is removed at the end; give \
             S3OutputPath or --async-output to keep them"
        );
    }
    let signing_region = principals.map(|_| context.container_settings.environment.region.as_str());

    let endpoints = deployments.iter().map(|deployment| Arc::clone(&deployment.endpoint));
    let services = Services::new(endpoints, settings.limits, settings.authorization);
    let inputs_memory = services.inputs_memory().clone();
    let services = Data::new(services);
    // The time limit of an invocation.
    let drain_timeout = settings.limits.call.container_timeout;
    let client = http::client().map_err(|error| Error::new(Cause::Internal, "no HTTP client").caused_by(error))?;
    let handle = start_server(listener, address, services, Data::new(settings.allowed_hosts), drain_timeout)?;
    let upkeep = actix_web::rt::spawn(async {
        loop {
            tokio::time::sleep(telemetry::metrics::UPKEEP_INTERVAL).await;
            telemetry::metrics::upkeep();
        }
    });

    let begun = Instant::now();
    let started = tokio::select! {
        started = deployment::start(&client, &deployments, &context) => started,
        // Dropping the processes stops the containers.
        reason = signals.next() => {
            log::info!("{}: the endpoint was still Creating", reason.name());
            server::stop(&handle, false).await;
            return Ok(());
        }
    };
    let outcome = match started {
        Ok(instances) => {
            let took = begun.elapsed().as_secs_f64() * 1e3;
            for deployment in &deployments {
                log::info!("endpoint {} is InService after {took:.0} ms", deployment.config.endpoint_name);
                let advice =
                    example_commands::example_commands(&deployment.config, &deployment.file, address, signing_region);
                // Not a log line, so that it can be copied. Errors are ignored: the reader may have closed the pipe.
                let _ = std::io::stdout().lock().write_all(telemetry::printable::lines(&advice).as_bytes());
            }
            let work: Vec<_> = deployments
                .iter_mut()
                .filter_map(|deployment| {
                    deployment.begin_work(&client, &context.container_settings.storage, &inputs_memory)
                })
                .collect();

            let reason = signals.next().await.name();
            log::info!(
                "{reason}: no new connections; finishing requests in flight (up to {} s, or until the next signal)",
                drain_timeout.as_secs()
            );
            drain(&deployments, &handle, work, drain_timeout, &mut signals, instances).await
        }
        Err(error) => {
            server::stop(&handle, false).await;
            Err(error)
        }
    };
    upkeep.abort();
    outcome
}

/// Waits for requests in flight, then stops the containers.
///
/// # Errors
/// [`Cause::CutOff`] if a request did not end in time.
async fn drain(
    deployments: &[Deployment],
    handle: &ServerHandle,
    work: Vec<JoinHandle<()>>,
    drain_timeout: Duration,
    signals: &mut StopSignals,
    instances: Vec<BackgroundSupervisor>,
) -> Result<()> {
    for deployment in deployments {
        deployment.endpoint.stop_accepting();
    }
    let mut work = join_all(work);
    let all = async { tokio::join!(server::stop(handle, true), &mut work) };
    let why = tokio::select! {
        _ = all => None,
        () = tokio::time::sleep(drain_timeout) => Some(format!("it took longer than {} s", drain_timeout.as_secs())),
        reason = signals.next() => Some(reason.name().to_owned()),
    };
    let Some(why) = why else {
        stop_all(instances).await;
        log::info!("stopped");
        return Ok(());
    };
    for deployment in deployments {
        deployment.endpoint.abandon();
    }
    let _ = tokio::time::timeout(LAST_WORDS, work).await;
    // Idle containers end now; the others are killed with this process.
    let _ = tokio::time::timeout(LAST_WORDS, stop_all(instances)).await;
    Err(Error::new(Cause::CutOff, format!("requests in flight were cut off: {why}")))
}

/// Starts the server for clients.
fn start_server(
    listener: TcpListener,
    address: SocketAddr,
    services: Data<Services>,
    allowed_hosts: Data<AllowedHosts>,
    drain_timeout: Duration,
) -> Result<ServerHandle> {
    let serving = ServerConfig {
        workers: None,
        max_connections: None,
        shutdown_timeout: drain_timeout.as_secs(),
        client_timeout: drain_timeout,
        on_open: || (),
    };
    let server = server::serve(listener, serving, move || {
        App::new()
            // Created on the thread that uses it, so that its connections belong to that thread.
            .data_factory(|| std::future::ready(http::client()))
            .app_data(allowed_hosts.clone())
            .wrap(from_fn(client_side::check_host))
            .configure(client_side::configure(services.clone()))
    })
    .map_err(|error| listen_error(address, error))?;
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

/// The folder of a configuration file.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The endpoint's folder.
enum StateDir {
    /// Given by the user; it is kept.
    Kept {
        folder: PathBuf,
        /// Locked while it is open, so that the lock ends with this process in any case.
        _lock: File,
    },
    /// A temporary folder, deleted on drop.
    Temporary(TemporaryFolder),
}

impl StateDir {
    fn open(given: Option<PathBuf>) -> Result<StateDir> {
        match given {
            Some(folder) => {
                // In a container, /opt/ml/models may be the only writable folder.
                let models = folder.join("models");
                std::fs::create_dir_all(&models).map_err(|error| Error::io("create the folder", &models, error))?;
                let lock = models.join(LOCK);
                let file = File::create(&lock).map_err(|error| Error::io("create", &lock, error))?;
                match file.try_lock() {
                    Ok(()) => Ok(StateDir::Kept { folder, _lock: file }),
                    Err(TryLockError::WouldBlock) => Err(Error::new(
                        Cause::BadSetting,
                        format!("state dir {}: another endpoint uses it; give each its own", folder.display()),
                    )),
                    Err(TryLockError::Error(error)) => Err(Error::io("lock", &lock, error)),
                }
            }
            None => TemporaryFolder::make("byoc-endpoint-").map(StateDir::Temporary),
        }
    }

    /// Its absolute path, which is passed to containers.
    fn path(&self) -> Result<PathBuf> {
        let folder = match self {
            StateDir::Kept { folder, .. } => folder.as_path(),
            StateDir::Temporary(folder) => folder.path(),
        };
        // multi-model-server refuses paths that contain `..`.
        let goes_up = folder.components().any(|component| component == std::path::Component::ParentDir);
        let whole = if goes_up { folder.canonicalize() } else { std::path::absolute(folder) };
        whole.map_err(|error| Error::io("find", folder, error))
    }
}

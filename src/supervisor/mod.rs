//! Supervises a container: starts, pings, restarts, fails and stops it.
//!
//! [`process`] runs `byoc serve` as a child process, [`readiness`] waits until it is healthy, and [`ContainerProcess`]
//! combines the two. A [`Supervisor`] has one container, its own child process or an external one. It restarts its own
//! on demand (batch transform), or in the background ([`BackgroundSupervisor`], for endpoints).

mod background;
mod container_process;
mod health;
pub mod process;
pub mod readiness;

use std::time::Duration;

use reqwest::{Client, Url};

use crate::env;
use crate::error::Reason;
pub use background::{BackgroundConfig, BackgroundSupervisor, PING_INTERVAL, Replacement};
pub use container_process::{ContainerCommand, ContainerProcess, StartError};
pub use health::Health;
use readiness::{ping, wait_until_ready};

/// How a container is supervised.
#[derive(Clone, Debug)]
pub struct SupervisorConfig {
    /// Sends the pings.
    pub client: Client,
    /// The container's name in the log.
    pub name: String,
    /// Decides the paths of the health check.
    pub mode: HostingMode,
    /// How long the container may take to become healthy.
    pub health_check_timeout: Duration,
    /// Which port the container gets after a restart.
    pub restart_port: RestartPort,
}

/// The hosting mode of a container, which decides its health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostingMode {
    /// One model: `/ping` must be 200.
    SingleModel,
    /// Models that are loaded through the API: `/ping` and `/models` must be 200.
    MultiModel,
}

/// The port of a container after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPort {
    /// The same port, so that callers need no update.
    Same,
    /// Any free port.
    Any,
}

/// One container.
#[derive(Debug)]
pub struct Supervisor {
    config: SupervisorConfig,
    origin: Url,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Something other than this program started it.
    External,
    Running(ContainerProcess),
    /// The last start failed.
    Stopped(ContainerCommand),
}

impl Supervisor {
    /// A container at `origin` that this program did not start.
    pub fn external(config: SupervisorConfig, origin: Url) -> Supervisor {
        Supervisor { config, origin, state: State::External }
    }

    /// A container that this program has started and that listens at `origin`.
    pub fn running(config: SupervisorConfig, origin: Url, process: ContainerProcess) -> Supervisor {
        Supervisor { config, origin, state: State::Running(process) }
    }

    /// Starts a container and waits until it is healthy. Returns how long that took from when it listened.
    ///
    /// # Errors
    /// If it does not become healthy. Then it is stopped.
    pub async fn start(
        config: SupervisorConfig,
        command: ContainerCommand,
    ) -> Result<(Supervisor, Duration), StartError> {
        let (process, origin) = ContainerProcess::start(&config.name, command, Health::default()).await?;
        let (process, took) =
            process.until_ready(&config.client, &origin, config.mode, config.health_check_timeout).await?;
        Ok((Supervisor { config, origin, state: State::Running(process) }, took))
    }

    /// The container's address.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// How its process exited, if this program started it and it has exited.
    pub fn exit_description(&self) -> Option<String> {
        match &self.state {
            State::Running(process) => process.exit().exit_description(),
            State::External | State::Stopped(_) => None,
        }
    }

    /// The last error in its log, if this program started it. Returns each error once.
    pub fn take_last_error(&self) -> Option<String> {
        match &self.state {
            State::Running(process) => process.take_last_error(),
            State::External | State::Stopped(_) => None,
        }
    }

    /// Makes sure that the container is healthy after an error: restarts it if it has exited or fails its ping, and
    /// waits. Returns the time waited, or `None` if it was healthy.
    ///
    /// # Errors
    /// If it does not become healthy.
    pub async fn ensure_healthy(&mut self) -> Result<Option<Duration>, StartError> {
        let name = &self.config.name;
        match &self.state {
            State::External => {
                if ping(&self.config.client, &self.origin).await.is_ok() {
                    return Ok(None);
                }
                let (limit, mut url) = (self.config.health_check_timeout.as_secs(), self.origin.clone());
                url.set_path("/ping");
                log::warn!("container {name}: waiting for {url}, up to {limit} s");
                let (health, limit) = (Health::default(), self.config.health_check_timeout);
                let waited =
                    wait_until_ready(&self.config.client, &self.origin, self.config.mode, &health, limit).await;
                return waited.map(Some).map_err(StartError::from_problem);
            }
            State::Running(process) => {
                if process.exit().exit_description().is_none() && ping(&self.config.client, &self.origin).await.is_ok()
                {
                    return Ok(None);
                }
                log::warn!("container {name}: restarting");
            }
            State::Stopped(_) => {}
        }
        self.restart().await.map(Some)
    }

    /// Stops the container's process if it still runs, starts a new one and waits until it is healthy.
    ///
    /// # Errors
    /// If it does not become healthy. Then it is stopped.
    async fn restart(&mut self) -> Result<Duration, StartError> {
        let command = match std::mem::replace(&mut self.state, State::External) {
            State::External => {
                let problem = Reason::new("this program did not start it, so it cannot restart it");
                return Err(StartError::from_problem(problem));
            }
            State::Running(process) => {
                let command = process.command().clone();
                self.state = State::Stopped(command.clone());
                // A hung process must not answer in place of the new one.
                process.stop().await;
                command
            }
            State::Stopped(command) => {
                self.state = State::Stopped(command.clone());
                command
            }
        };
        let mut started = command.clone();
        if let (RestartPort::Same, Some(port)) = (self.config.restart_port, self.origin.port()) {
            started.variables.insert(env::SAGEMAKER_BIND_TO_PORT.to_owned(), port.to_string());
        }
        let (process, origin) = ContainerProcess::start(&self.config.name, started, Health::default()).await?;
        if self.config.restart_port == RestartPort::Any {
            self.origin = origin;
        }
        let SupervisorConfig { client, mode, health_check_timeout, .. } = &self.config;
        let (process, took) = process.until_ready(client, &self.origin, *mode, *health_check_timeout).await?;
        self.state = State::Running(process);
        Ok(took)
    }

    /// Waits until the container's process exits on its own. Never returns if this program did not start it.
    async fn wait_for_exit(&mut self) {
        match &mut self.state {
            State::Running(process) => process.wait_for_exit().await,
            State::External | State::Stopped(_) => std::future::pending().await,
        }
    }

    /// Switches to another process and returns the previous one.
    fn replace(&mut self, process: ContainerProcess, origin: Url) -> Option<ContainerProcess> {
        self.origin = origin;
        match std::mem::replace(&mut self.state, State::Running(process)) {
            State::Running(before) => Some(before),
            State::External | State::Stopped(_) => None,
        }
    }

    /// Lets the container finish its requests and exit, if this program started it.
    pub async fn stop(self) {
        if let State::Running(process) = self.state {
            process.stop().await;
        }
    }
}

//! A container's process together with its command, so that it can be restarted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Url};

use super::process::Process;
use super::readiness::wait_until_ready;
use super::{Health, HostingMode};
use crate::error::Reason;

/// How to start a container.
#[derive(Clone, Debug)]
pub struct ContainerCommand {
    /// The executable, which runs a container when called with `serve`.
    pub executable: PathBuf,
    /// Its complete environment.
    pub variables: BTreeMap<String, String>,
    /// The folder with its unpacked model, which only this container uses.
    pub model_folder: Option<PathBuf>,
}

/// Why a container did not start, or did not become healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// The problem.
    pub problem: Reason,
    /// The exit code of its process, if it exited.
    pub exit_code: Option<i32>,
    /// The last error in its log.
    pub logged: Option<String>,
}

impl StartError {
    pub(super) fn from_problem(problem: Reason) -> StartError {
        StartError { problem, exit_code: None, logged: None }
    }
}

/// A container that this program started.
#[derive(Debug)]
pub struct ContainerProcess {
    command: ContainerCommand,
    process: Process,
    exit: Health,
}

impl ContainerProcess {
    /// Starts a container and waits until it logs its URL. Records in `exit` how the process exits.
    ///
    /// # Errors
    /// If it cannot be started, or exits before it listens.
    pub async fn start(
        name: &str,
        command: ContainerCommand,
        exit: Health,
    ) -> Result<(ContainerProcess, Url), StartError> {
        let started = Process::start(&command.executable, name, &command.variables, &exit).await;
        let (process, origin) =
            started.map_err(|problem| StartError { problem, exit_code: exit.exit_code(), logged: None })?;
        Ok((ContainerProcess { command, process, exit }, origin))
    }

    /// Waits until the container at `origin` passes its health check, and returns how long that took.
    ///
    /// # Errors
    /// If it exits or does not pass within `limit`. Then the container is stopped.
    pub async fn until_ready(
        self,
        client: &Client,
        origin: &Url,
        mode: HostingMode,
        limit: Duration,
    ) -> Result<(ContainerProcess, Duration), StartError> {
        match wait_until_ready(client, origin, mode, &self.exit, limit).await {
            Ok(took) => Ok((self, took)),
            Err(problem) => {
                let exit_code = self.exit.exit_code();
                Err(StartError { problem, exit_code, logged: self.process.stop_and_take_last_error().await })
            }
        }
    }

    /// The command that started it.
    pub fn command(&self) -> &ContainerCommand {
        &self.command
    }

    /// How this process exited, if it has. The container may have a new process by then.
    pub(super) fn exit(&self) -> &Health {
        &self.exit
    }

    pub(super) fn take_last_error(&self) -> Option<String> {
        self.process.take_last_error()
    }

    pub(super) async fn wait_for_exit(&mut self) {
        self.process.wait_for_exit().await;
    }

    /// Lets the process finish its requests and exit.
    pub async fn stop(self) {
        self.process.stop().await;
    }

    /// Lets the process finish its requests and exit, and deletes the model that was unpacked for it.
    pub async fn stop_and_delete_model(self) {
        self.process.stop().await;
        self.command.delete_model().await;
    }
}

impl ContainerCommand {
    /// Deletes the folder with the unpacked model.
    pub async fn delete_model(self) {
        if let Some(folder) = self.model_folder {
            // The folder may already be deleted.
            let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
        }
    }
}

//! Supervises a container in the background: pings it, restarts it when it exits, and fails it if it stays unhealthy.
//!
//! As on SageMaker, it pings every 5 s, and the endpoint becomes Failed if a container stays unhealthy for too long
//! (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).

use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::readiness::ping;
use super::{ContainerProcess, Health, Supervisor};
use byoc_formats::error::chain;

/// The interval of pings.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The pause before the first restart. It doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// After a container has run this long, its next restart starts again with [`FIRST_PAUSE`].
const STABLE_RUN: Duration = Duration::from_secs(60);

/// The settings of a background supervisor.
pub struct BackgroundConfig {
    /// The state of the container, shared with its callers.
    pub health: Health,
    /// Processes that replace the container's current one.
    pub replacements: UnboundedReceiver<Replacement>,
    /// The interval of pings.
    pub ping_interval: Duration,
    /// FailureReason if the container stays unhealthy for longer than the health check timeout.
    pub failure_reason: String,
    /// Called after a restart, before the container receives requests.
    pub on_restart: Box<dyn Fn() + Send + Sync>,
}

/// A process that replaces a container's current one.
#[derive(Debug)]
pub struct Replacement {
    /// The process.
    pub process: ContainerProcess,
    /// Its address.
    pub origin: Url,
    /// Closes when no request needs the previous process any more.
    pub drained: Option<mpsc::Receiver<()>>,
}

/// A container that is supervised in the background.
#[derive(Debug)]
pub struct BackgroundSupervisor {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl BackgroundSupervisor {
    /// Supervises a container until it is stopped.
    pub fn spawn(supervisor: Supervisor, config: BackgroundConfig) -> BackgroundSupervisor {
        let (stop, mut stopped) = oneshot::channel();
        let mut task = Background { supervisor, config };
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = &mut stopped => {}
                () = task.run() => {}
            }
            task.supervisor.stop().await;
        });
        BackgroundSupervisor { stop, task }
    }

    /// Stops supervising. If this program started the container, lets it finish its requests and stops it.
    pub async fn stop(self) {
        // The task has already ended if the container has failed.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

struct Background {
    supervisor: Supervisor,
    config: BackgroundConfig,
}

impl Background {
    /// Supervises until the container has failed permanently.
    async fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            if self.wait_for_outage().await == Outage::FailedPings {
                break;
            }
            if begun.elapsed() > STABLE_RUN {
                pause = FIRST_PAUSE;
            }
            let limit = self.supervisor.config.health_check_timeout;
            if tokio::time::timeout(limit, self.restart(&mut pause)).await.is_err() {
                break;
            }
        }
        log::error!("container {}: {}", self.supervisor.config.name, self.config.failure_reason);
        self.config.health.mark_failed(self.config.failure_reason.clone());
    }

    /// Pings until the process exits, or until pings have failed for the whole health check timeout.
    async fn wait_for_outage(&mut self) -> Outage {
        let mut unhealthy_since: Option<Instant> = None;
        loop {
            tokio::select! {
                () = self.supervisor.wait_for_exit() => return Outage::Exited,
                Some(replacement) = self.config.replacements.recv() => {
                    self.replace_process(replacement);
                    unhealthy_since = None;
                    continue;
                }
                () = tokio::time::sleep(self.config.ping_interval) => {}
            }
            let config = &self.supervisor.config;
            match ping(&config.client, &self.supervisor.origin).await {
                Ok(()) => unhealthy_since = None,
                Err(problem) => {
                    let since = *unhealthy_since.get_or_insert_with(Instant::now);
                    log::warn!("container {}: {}", config.name, chain(&problem));
                    if since.elapsed() >= config.health_check_timeout {
                        return Outage::FailedPings;
                    }
                }
            }
        }
    }

    /// Switches to another process. The previous one stops after its last request.
    fn replace_process(&mut self, Replacement { process, origin, drained }: Replacement) {
        let Some(mut before) = self.supervisor.replace(process, origin) else { return };
        let health = self.config.health.clone();
        tokio::spawn(async move {
            if let Some(mut drained) = drained {
                tokio::select! {
                    _ = drained.recv() => {}
                    // Its exit does not mean that the container exited.
                    () = before.wait_for_exit() => health.mark_running(),
                }
            }
            before.stop_and_delete_model().await;
        });
    }

    /// Restarts the container, repeatedly if needed, and waits until it is healthy.
    async fn restart(&mut self, pause: &mut Duration) {
        self.config.health.mark_exited(self.supervisor.exit_description().unwrap_or_default());
        loop {
            log::info!("container {}: restarting in {pause:?}", self.supervisor.config.name);
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(MAX_PAUSE);
            let restarted = self.supervisor.restart().await;
            let name = &self.supervisor.config.name;
            match restarted {
                Ok(_) => {
                    (self.config.on_restart)();
                    self.config.health.mark_running();
                    log::info!("container {name}: healthy again");
                    return;
                }
                Err(error) => log::error!("container {name}: {}", chain(&error.problem)),
            }
        }
    }
}

/// Why a container is out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    Exited,
    FailedPings,
}

#[cfg(test)]
#[path = "background_test.rs"]
mod tests;

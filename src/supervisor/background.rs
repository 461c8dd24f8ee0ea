//! A container that is pinged in the background, started again when it ends, and given up when it stays unhealthy.
//!
//! As the platform does it: a ping every 5 s; a container that does not pass for the allowed time makes the endpoint Failed
//! (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).

use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::readiness::ping;
use super::{ContainerProcess, Health, Supervisor};

/// How long it is between two pings.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The first pause before a container is started again. It doubles until the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A container that ran for so long before it ended is started again after the first pause.
const RAN_WELL: Duration = Duration::from_secs(60);

/// What a background supervisor needs beside the container.
pub struct BackgroundConfig {
    /// Says to others whether the container runs.
    pub health: Health,
    /// Processes that take the place of the container's own.
    pub replacements: UnboundedReceiver<Replacement>,
    /// How long it is between two pings.
    pub ping_interval: Duration,
    /// FailureReason of a container that was unhealthy for longer than its health check may take.
    pub failure_reason: String,
    /// Called when the container was started again, before it gets requests.
    pub on_restart: Box<dyn Fn() + Send + Sync>,
}

/// A process that takes the place of the one that a container has.
#[derive(Debug)]
pub struct Replacement {
    /// The process.
    pub process: ContainerProcess,
    /// Where it listens.
    pub origin: Url,
    /// Closes when no request needs the process before it.
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

    /// Ends the supervision, and the container after its requests if its process is ours.
    pub async fn stop(self) {
        // The task has ended already if the container is given up.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

struct Background {
    supervisor: Supervisor,
    config: BackgroundConfig,
}

impl Background {
    /// Returns when the container has failed for good.
    async fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            if self.wait_for_outage().await == Outage::FailedPings {
                break;
            }
            if begun.elapsed() > RAN_WELL {
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

    /// Pings until the process ends, or no ping has passed for the allowed time.
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
                    log::warn!("container {}: {problem}", config.name);
                    if since.elapsed() >= config.health_check_timeout {
                        return Outage::FailedPings;
                    }
                }
            }
        }
    }

    /// Goes on with another process. The one before ends with its last request.
    fn replace_process(&mut self, Replacement { process, origin, drained }: Replacement) {
        let Some(mut before) = self.supervisor.replace(process, origin) else { return };
        let health = self.config.health.clone();
        tokio::spawn(async move {
            if let Some(mut drained) = drained {
                tokio::select! {
                    _ = drained.recv() => {}
                    // Its end is not the container's.
                    () = before.wait_for_exit() => health.mark_running(),
                }
            }
            before.stop_and_delete_model().await;
        });
    }

    /// Starts the container again, as many times as it takes, and waits until it is healthy.
    async fn restart(&mut self, pause: &mut Duration) {
        self.config.health.mark_exited(self.supervisor.exit_description().unwrap_or_default());
        loop {
            log::info!("container {}: starting it again in {pause:?}", self.supervisor.config.name);
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            let restarted = self.supervisor.restart().await;
            let name = &self.supervisor.config.name;
            match restarted {
                Ok(_) => {
                    (self.config.on_restart)();
                    self.config.health.mark_running();
                    log::info!("container {name}: healthy again");
                    return;
                }
                Err(error) => log::error!("container {name}: {}", error.problem),
            }
        }
    }
}

/// What is wrong with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    Exited,
    FailedPings,
}

#[cfg(test)]
#[path = "background_test.rs"]
mod tests;

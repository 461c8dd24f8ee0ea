//! Runs a container as a child process: starts it, watches it, forwards its log and stops it.
//!
//! The child's standard input is a pipe. Closing it stops the child, which then drains and exits
//! (`BYOC_EXIT_ON_STDIN_EOF`). If this process is killed, the kernel closes the pipe, so that no child outlives it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Health;
use crate::error::{Cause, Error, Reason};
use crate::telemetry::logs::{FATAL_ERROR_PREFIX, LISTENING_ON};
use crate::telemetry::printable;

/// How long a container may drain before it is killed
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a container may take until it logs the address on which it listens.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for the rest of the log after the process has exited.
const LOG_END_TIMEOUT: Duration = Duration::from_secs(1);

/// A running container.
#[derive(Debug)]
pub struct Process {
    stop: oneshot::Sender<()>,
    /// Waits for the process to exit. `None` after that was awaited, because a task can be awaited only once.
    watch: Option<JoinHandle<()>>,
    /// Forwards its log to the end.
    log: Option<JoinHandle<()>>,
    last_error: LastError,
}

/// The message of the last log line that was an error.
type LastError = Arc<Mutex<Option<String>>>;

impl Process {
    /// Starts `executable serve` with these variables and no others, and waits until it logs its URL. Records in
    /// `health` how the process exits.
    ///
    /// # Errors
    /// If it cannot be started, or exits before it listens.
    pub async fn start(
        executable: &Path,
        name: &str,
        variables: &BTreeMap<String, String>,
        health: &Health,
    ) -> Result<(Process, Url), Reason> {
        let mut command = Command::new(executable);
        command
            .arg("serve")
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // A terminal sends Ctrl-C to a whole process group. The child must not get it, so that it can finish its
            // requests.
            .process_group(0);
        let mut child = command.spawn().map_err(|error| {
            let message = format!("could not start {} serve", executable.display());
            Reason::new(Error::new(Cause::NotHealthy, message).caused_by(error))
        })?;
        let (found, listening) = oneshot::channel();
        let last_error = LastError::default();
        let log = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(forward_log(stderr, name.to_owned(), Some(found), Arc::clone(&last_error))));
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(forward_log(stdout, name.to_owned(), None, Arc::clone(&last_error)));
        }
        let (stop, stopped) = oneshot::channel();
        let watch = tokio::spawn(watch(child, name.to_owned(), health.clone(), stopped));
        let problem = match tokio::time::timeout(LISTEN_TIMEOUT, listening).await {
            Ok(Ok(url)) => return Ok((Process { stop, watch: Some(watch), log, last_error }, url)),
            // Its log has ended, so the process has exited or is about to.
            Ok(Err(_)) => "before it logged its address".to_owned(),
            Err(_) => format!("because it did not log its address within {LISTEN_TIMEOUT:?}"),
        };
        drop(stop);
        let _ = watch.await;
        let how = health.exit_description().unwrap_or_else(|| "the process was stopped".to_owned());
        Err(Reason::new(format!("{how} {problem}")))
    }

    /// Waits until the process exits on its own.
    pub async fn wait_for_exit(&mut self) {
        if let Some(watch) = &mut self.watch {
            let _ = watch.await;
            self.watch = None;
        }
    }

    /// The last error in its log. Returns each error once.
    pub fn take_last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Stops the container, and returns the last error in its log.
    pub async fn stop_and_take_last_error(self) -> Option<String> {
        let Process { stop, watch, log, last_error } = self;
        let _ = stop.send(());
        if let Some(watch) = watch {
            let _ = watch.await;
        }
        if let Some(log) = log {
            // Another process may still have the other end of the pipe open.
            let _ = tokio::time::timeout(LOG_END_TIMEOUT, log).await;
        }
        last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets the container finish its requests and exit. Kills it after `STOP_TIMEOUT`.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if let Some(watch) = self.watch {
            let _ = watch.await;
        }
    }
}

/// Waits for the process to exit, on its own or because it is stopped.
async fn watch(mut child: Child, name: String, health: Health, stopped: oneshot::Receiver<()>) {
    // Taken out of the child, because waiting for the child would close its input.
    let stdin = child.stdin.take();
    let told = tokio::select! {
        status = child.wait() => {
            let (how, exit_code) = match status {
                Ok(status) => (format!("the process has ended ({status})"), status.code()),
                Err(error) => (format!("waiting for the process failed: {error}"), None),
            };
            log::error!("container {name}: {how}");
            health.mark_exited_with(how, exit_code);
            return;
        }
        told = stopped => told,
    };
    drop(stdin);
    match tokio::time::timeout(STOP_TIMEOUT, child.wait()).await {
        Ok(Ok(status)) if told.is_ok() => log::info!("container {name}: stopped ({status})"),
        Ok(Ok(status)) => health.mark_exited_with(format!("the process has ended ({status})"), status.code()),
        Ok(Err(error)) => log::error!("container {name}: waiting for the process failed: {error}"),
        Err(_) => {
            log::error!("container {name}: did not stop within {STOP_TIMEOUT:?}, killing it");
            let _ = child.kill().await;
        }
    }
}

/// Copies each line of a child's log to standard error, with the container's name as prefix, and looks for its URL.
async fn forward_log(
    log: impl AsyncRead + Unpin,
    name: String,
    mut found: Option<oneshot::Sender<Url>>,
    last_error: LastError,
) {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    let mut has_fatal_error = false;
    let prefix = format!("[{}] ", printable::one_line(&name));
    loop {
        line.clear();
        line.extend_from_slice(prefix.as_bytes());
        match log.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        let is_looking = found.is_some();
        if let Some(url) = found.is_some().then(|| listening_url(&line)).flatten()
            && let Some(found) = found.take()
        {
            let _ = found.send(url);
        }
        // The child logs its address at every level, for this program. Above the level info it is not forwarded.
        if is_looking && found.is_none() && !log::log_enabled!(log::Level::Info) {
            continue;
        }
        let text = line.get(prefix.len()..).unwrap_or_default();
        // The lines after the error that ends the program are its hint.
        let is_hint = has_fatal_error && text.starts_with(FATAL_ERROR_PREFIX.as_bytes());
        has_fatal_error |= text.starts_with(FATAL_ERROR_PREFIX.as_bytes());
        if let Some(error) = error_in(text).filter(|_| !is_hint) {
            *last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
        // Keep reading even if the line cannot be written: otherwise the child would block on a full pipe.
        let text = String::from_utf8_lossy(&line);
        let _ = writeln!(std::io::stderr().lock(), "{}", printable::one_line(text.trim_end_matches('\n')));
    }
}

/// The error in a log line of the child: the one that ends the program, `byoc: …`, or one such as
/// `2026-11-26T02:16:00.000Z ERROR byoc::container::batch_invocations an answer is broken off: …`. After the child has exited, its
/// standard error is the only source for its error.
fn error_in(line: &[u8]) -> Option<String> {
    const MAX_CHARACTERS: usize = 500;
    let line = String::from_utf8_lossy(line);
    let error = match line.strip_prefix(FATAL_ERROR_PREFIX) {
        Some(error) => error,
        None => line.split_once(" ERROR ")?.1.split_once(' ')?.1,
    };
    Some(error.trim_end().chars().take(MAX_CHARACTERS).collect())
}

/// The URL in a line such as `… listening on http://127.0.0.1:40123`.
fn listening_url(line: &[u8]) -> Option<Url> {
    let line = std::str::from_utf8(line).ok()?;
    let (_, after) = line.split_once(LISTENING_ON)?;
    let url = Url::parse(after.split_whitespace().next()?.trim_end_matches(',')).ok()?;
    (url.scheme() == "http" && url.port().is_some()).then_some(url)
}

#[cfg(test)]
#[path = "process_test.rs"]
mod tests;

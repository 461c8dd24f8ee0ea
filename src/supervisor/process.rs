//! A container as a child process: started, watched, its log passed on, stopped.
//!
//! The child's standard input is a pipe that only we hold, and the child is told to drain and exit when it closes
//! (`BYOC_EXIT_ON_STDIN_EOF`). That is how it is stopped; and as the kernel closes the pipe when we are killed, no child
//! outlives us.

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
use crate::telemetry::logs::{FATAL_ERROR_PREFIX, LISTENING_ON};
use crate::telemetry::printable;

/// How long a container may drain before it is killed
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long a container may take until it says where it listens.
const LISTEN_LIMIT: Duration = Duration::from_secs(60);
/// How long the rest of a log is waited for whose process has ended.
const LOG_END_LIMIT: Duration = Duration::from_secs(1);

/// A running container.
#[derive(Debug)]
pub struct Process {
    stop: oneshot::Sender<()>,
    /// Waits for its end; gone once that was seen, since a task can be awaited once.
    watch: Option<JoinHandle<()>>,
    /// Reads its log to the end.
    log: Option<JoinHandle<()>>,
    last_error: LastError,
}

/// The last line of a log that was an error, without what stands before the error itself.
type LastError = Arc<Mutex<Option<String>>>;

impl Process {
    /// Starts `executable serve` with these variables and no others, and waits for the URL at which it listens. When the
    /// process ends, `health` says how.
    ///
    /// # Errors
    /// That it could not be started, or ended before it listened.
    pub async fn start(
        executable: &Path,
        name: &str,
        variables: &BTreeMap<String, String>,
        health: &Health,
    ) -> Result<(Process, Url), String> {
        let mut command = Command::new(executable);
        command
            .arg("serve")
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C at a terminal goes to a whole process group: it must reach us only, so that requests in flight end first.
            .process_group(0);
        let mut child =
            command.spawn().map_err(|error| format!("could not start {} serve: {error}", executable.display()))?;
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
        let problem = match tokio::time::timeout(LISTEN_LIMIT, listening).await {
            Ok(Ok(url)) => return Ok((Process { stop, watch: Some(watch), log, last_error }, url)),
            // Its log has ended, so that it has ended too or is about to.
            Ok(Err(_)) => "before it said where it listens".to_owned(),
            Err(_) => format!("after it did not say within {LISTEN_LIMIT:?} where it listens"),
        };
        drop(stop);
        let _ = watch.await;
        Err(format!("{} {problem}", health.exit_description().unwrap_or_else(|| "the process was stopped".to_owned())))
    }

    /// Waits until the process has ended by itself.
    pub async fn wait_for_exit(&mut self) {
        if let Some(watch) = &mut self.watch {
            let _ = watch.await;
            self.watch = None;
        }
    }

    /// The last error in its log, once.
    pub fn take_last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets the container end, and says what the last error in its log was.
    pub async fn stop_and_take_last_error(self) -> Option<String> {
        let Process { stop, watch, log, last_error } = self;
        let _ = stop.send(());
        if let Some(watch) = watch {
            let _ = watch.await;
        }
        if let Some(log) = log {
            // Another process may hold the other end still.
            let _ = tokio::time::timeout(LOG_END_LIMIT, log).await;
        }
        last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets the container finish its requests and end; kills it after 30 s.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if let Some(watch) = self.watch {
            let _ = watch.await;
        }
    }
}

/// Waits for the process to end, by itself or because it was told to.
async fn watch(mut child: Child, name: String, health: Health, stopped: oneshot::Receiver<()>) {
    // Taken out of the child, because waiting for a child closes its input.
    let stdin = child.stdin.take();
    let told = tokio::select! {
        status = child.wait() => {
            let (how, exit_code) = match status {
                Ok(status) => (format!("the process has ended ({status})"), status.code()),
                Err(error) => (format!("the process is lost: {error}"), None),
            };
            log::error!("container {name}: {how}");
            health.mark_exited_with(how, exit_code);
            return;
        }
        told = stopped => told,
    };
    drop(stdin);
    match tokio::time::timeout(STOP_LIMIT, child.wait()).await {
        Ok(Ok(status)) if told.is_ok() => log::info!("container {name}: stopped ({status})"),
        Ok(Ok(status)) => health.mark_exited_with(format!("the process has ended ({status})"), status.code()),
        Ok(Err(error)) => log::error!("container {name}: the process is lost: {error}"),
        Err(_) => {
            log::error!("container {name}: did not stop within {STOP_LIMIT:?}, killing it");
            let _ = child.kill().await;
        }
    }
}

/// Passes each line of a child's log on to ours, after the container's name, and looks for where the child listens.
async fn forward_log(
    log: impl AsyncRead + Unpin,
    name: String,
    mut found: Option<oneshot::Sender<Url>>,
    last_error: LastError,
) {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    let mut has_ended = false;
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
        let is_searched = found.is_some();
        if let Some(url) = found.is_some().then(|| listening_url(&line)).flatten()
            && let Some(found) = found.take()
        {
            let _ = found.send(url);
        }
        // A container says where it listens at any level, for whoever starts it; a person who wants to hear less does not.
        if is_searched && found.is_none() && !log::log_enabled!(log::Level::Info) {
            continue;
        }
        let said = line.get(prefix.len()..).unwrap_or_default();
        // What to do about it stands in lines of their own below the error that the program ends with.
        let is_advice = has_ended && said.starts_with(FATAL_ERROR_PREFIX.as_bytes());
        has_ended |= said.starts_with(FATAL_ERROR_PREFIX.as_bytes());
        if let Some(error) = error_in(said).filter(|_| !is_advice) {
            *last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
        // A log that cannot be written is no reason to stop reading: the child would block on a full pipe.
        let text = String::from_utf8_lossy(&line);
        let _ = writeln!(std::io::stderr().lock(), "{}", printable::one_line(text.trim_end_matches('\n')));
    }
}

/// The error that the program ends with, `byoc: …`, or that in a line such as `2026-11-26T02:16:00.000Z ERROR byoc::container::pieces an answer is broken off: …`.
/// The child is this program, and its standard error is all that is left of it when it has ended.
fn error_in(line: &[u8]) -> Option<String> {
    const LONGEST: usize = 500;
    let line = String::from_utf8_lossy(line);
    let error = match line.strip_prefix(FATAL_ERROR_PREFIX) {
        Some(error) => error,
        None => line.split_once(" ERROR ")?.1.split_once(' ')?.1,
    };
    Some(error.trim_end().chars().take(LONGEST).collect())
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

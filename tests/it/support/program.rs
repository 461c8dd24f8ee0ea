//! The program as a process: started on a free port, its log collected, killed when the test ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::http::{Client, Reply};

/// How long a test waits for something that should happen soon, on a machine that may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test, with these arguments and an empty environment.
pub fn byoc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byoc"));
    command.args(arguments).env_clear();
    command
}

/// A running `byoc serve`.
pub struct Container {
    process: Child,
    log: Mutex<Receiver<String>>,
    seen: Vec<String>,
    client: Client,
}

impl Container {
    /// Starts `byoc serve` with more arguments and variables, and waits until it listens.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Container {
        let mut command = byoc(&["serve", "--host", "127.0.0.1", "--port", "0"]);
        command.args(arguments).envs(environment.iter().copied());
        Container::spawn(command)
    }

    /// Like [`Container::start`], and waits until `/ping` answers 200.
    pub fn ready(arguments: &[&str], environment: &[(&str, &str)]) -> Container {
        let container = Container::start(arguments, environment);
        container.wait_for_ping();
        container
    }

    fn spawn(mut command: Command) -> Container {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let (lines, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The test's output is shown when it fails.
                println!("  | {line}");
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let mut container = Container { process, log: Mutex::new(log), seen: Vec::new(), client: Client::new("") };
        let line = container.wait_for_line("listening on http://", |line| {
            // Lines of an endpoint's containers begin with the container's name.
            line.contains("listening on http://") && !line.starts_with('[')
        });
        let address = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an address");
        container.client = Client::new(&format!("http://{address}"));
        container
    }

    /// The first line of the log, from its start, that contains a text.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        self.wait_for_line(text, |line| line.contains(text))
    }

    fn wait_for_line(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        if let Some(line) = self.seen.iter().find(|line| is_it(line)) {
            return line.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let log = self.log.get_mut().expect("no test panics while it reads the log");
            let line = log.recv_timeout(left).unwrap_or_else(|_| panic!("no {what:?} in the log: {:#?}", self.seen));
            self.seen.push(line.clone());
            if is_it(&line) {
                return line;
            }
        }
    }

    /// The lines of the log read so far.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    /// Waits until `/ping` answers 200.
    pub fn wait_for_ping(&self) {
        wait_until("/ping answers 200", || self.get("/ping").status == 200);
    }

    /// The client that speaks to it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client.get(path)
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.client.send("DELETE", path, &[], b"")
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        self.client.send("POST", path, headers, body.as_ref())
    }

    /// `POST /invocations` with a Content-Type.
    pub fn invoke(&self, content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        self.post("/invocations", &[("content-type", content_type)], body)
    }

    /// `POST /models`.
    pub fn load(&self, name: &str, folder: &std::path::Path) -> Reply {
        let body = serde_json::json!({"model_name": name, "url": folder}).to_string();
        self.post("/models", &[("content-type", "application/json")], body)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        self.client.address()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs").success());
    }

    /// Waits for the process to end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the process ends", || {
            status = self.process.try_wait().expect("the process can be waited for");
            status.is_some()
        });
        status.expect("it ended")
    }
}

/// A running `byoc endpoint`, which ends its containers when it ends.
pub struct Endpoint(Container);

impl Endpoint {
    /// Starts `byoc endpoint` with a configuration, and waits until `/ping` answers 200.
    pub fn ready(config: &std::path::Path) -> Endpoint {
        let config = config.to_str().expect("a plain path");
        let container = Container::spawn(byoc(&["endpoint", "--port", "0", "--config", config]));
        container.wait_for_ping();
        Endpoint(container)
    }

    /// Like [`Endpoint::ready`], with more arguments and variables.
    pub fn start(config: &std::path::Path, arguments: &[&str], environment: &[(&str, &str)]) -> Endpoint {
        let config = config.to_str().expect("a plain path");
        let mut command = byoc(&["endpoint", "--port", "0", "--config", config]);
        command.args(arguments).envs(environment.iter().copied());
        let container = Container::spawn(command);
        container.wait_for_ping();
        Endpoint(container)
    }

    /// The client that speaks to it.
    pub fn client(&self) -> Client {
        self.0.client()
    }

    /// The process, to be ended by the test.
    pub fn process(&mut self) -> &mut Container {
        &mut self.0
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // A process that the test has ended already gets no signal.
        if self.0.process.try_wait().is_ok_and(|status| status.is_none()) {
            self.0.signal("TERM");
            self.0.wait();
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Checks a condition every few milliseconds until it holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

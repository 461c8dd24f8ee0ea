//! Limits of `byoc endpoint` on memory and waiting: clients that never stop sending, never read or sign incorrectly,
//! and inputs that never arrive.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::program::{Container, Endpoint, PATIENCE, wait_until};
use byoc_fake_container::{FakeContainer, Reaction};

const MIB: usize = 1 << 20;
const INVOKE: &str = "/endpoints/e/invocations";

/// The number of connections that each send part of a large body.
const CONNECTIONS: usize = 1000;

/// A configuration with one container, in its own folder.
fn configuration() -> (TempDir, PathBuf) {
    written(MODEL.replacen('{', r#"{"EndpointName": "e", "#, 1))
}

const MODEL: &str = r#"{"ModelName": "m", "PrimaryContainer": {"ContainerHostname": "c", "Image": "i"}}"#;

/// Like [`configuration`], for asynchronous invocations.
fn asynchronous() -> (TempDir, PathBuf) {
    written(format!(
        r#"{{"EndpointName": "e", "EndpointConfigName": "e", "AsyncInferenceConfig": {{"OutputConfig": {{}}}},
            "ProductionVariants": [{{"VariantName": "v", "ModelName": "m"}}], "Models": [{MODEL}]}}"#
    ))
}

fn written(configuration: String) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endpoint.json");
    std::fs::write(&file, configuration).unwrap();
    (folder, file)
}

fn running(container: &FakeContainer) -> String {
    format!("c={}", container.url())
}

fn answering() -> FakeContainer {
    FakeContainer::with_invocations(None, |_, body| Reaction::csv(200, body.as_bytes().to_vec()))
}

/// The value of one series on the metrics page.
fn metric(endpoint: &Endpoint, name: &str) -> u64 {
    let page = endpoint.client().get("/metrics");
    let line = page.text().lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned);
    line.unwrap_or_else(|| panic!("no {name}: {}", page.text()))[name.len() + 1..].parse().unwrap()
}

/// VmRSS of proc(5), in bytes.
fn resident(process: &Container) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<usize>().unwrap() * 1024
}

fn head(announced: usize, more: &str) -> String {
    format!("POST {INVOKE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n{more}\r\n")
}

#[test]
fn partial_large_bodies_stay_within_the_memory_limit_and_do_not_delay_other_requests() {
    let (_folder, config) = configuration();
    let container = answering();
    let limit = 16 * MIB;
    let mut endpoint =
        Endpoint::start(&config, &["--container", &running(&container), "--in-flight-memory", "16M"], &[]);
    let client = endpoint.client();
    assert_eq!(client.send("POST", INVOKE, &[], b"1").status, 200);
    let before = resident(endpoint.process());

    let part = vec![b'1'; MIB];
    let mut connections = Vec::new();
    for number in 0..CONNECTIONS {
        let mut connection = TcpStream::connect(endpoint.process().address()).unwrap();
        connection.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        // A client that is refused in the middle of its body may not be able to send the rest.
        let _ = connection.write_all(head(7 * MIB, "").as_bytes()).and_then(|()| connection.write_all(&part));
        connections.push(connection);
        if number % 100 == 99 {
            let asked = Instant::now();
            assert_eq!(client.get("/ping").status, 200);
            let answer = client.send("POST", INVOKE, &[], &[b'2'; 10_000]);
            assert_eq!((answer.status, answer.body.len()), (200, 10_000));
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
            let held = metric(&endpoint, "byoc_endpoint_in_flight_bytes");
            assert!(held <= limit as u64 / 2, "large bodies may take half of the limit: {held}");
        }
    }
    assert!(metric(&endpoint, "byoc_endpoint_in_flight_bytes") >= 4 * MIB as u64, "some bodies are admitted");
    let grown = resident(endpoint.process()).saturating_sub(before);
    assert!(grown < limit + 64 * MIB, "{} MiB for {CONNECTIONS} connections", grown / MIB);

    let mut refused = connections.last().unwrap();
    refused.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    let _ = refused.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nretry-after: 1\r\n"), "{answer}");

    drop(connections);
    wait_until("no bodies are in memory", || metric(&endpoint, "byoc_endpoint_in_flight_bytes") == 0);
    let large = client.send("POST", INVOKE, &[], &vec![b'1'; 5 * MIB]);
    assert_eq!((large.status, large.body.len()), (200, 5 * MIB), "memory is available again");
}

#[test]
fn an_answer_that_the_client_does_not_read_is_dropped_and_its_connection_closed() {
    let (_folder, config) = configuration();
    let container = FakeContainer::with_invocations(None, |_, _| Reaction::csv(200, vec![b'1'; 20 * MIB]));
    let arguments = ["--container", &running(&container), "--in-flight-memory", "256M", "--container-timeout", "2"];
    let mut endpoint = Endpoint::start(&config, &arguments, &[]);
    let mut connections: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        let mut connection = TcpStream::connect(endpoint.process().address()).unwrap();
        connection.write_all(format!("{}1", head(1, "")).as_bytes()).unwrap();
        connections.push(connection);
    }
    wait_until("three answers are in memory", || {
        metric(&endpoint, "byoc_endpoint_in_flight_bytes") >= 3 * 20 * MIB as u64
    });
    wait_until("they are dropped", || metric(&endpoint, "byoc_endpoint_in_flight_bytes") == 0);
    for mut connection in connections {
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        // It ends with a reset, or with fewer bytes than announced.
        let ended = connection.read_to_end(&mut answer);
        assert!(ended.is_err() || answer.len() < 20 * MIB, "{ended:?}, {} bytes", answer.len());
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "it is still open");
    }
}

#[test]
fn a_request_with_a_wrong_signature_is_refused_before_its_body_arrives() {
    let (folder, config) = configuration();
    let container = answering();
    let iam = folder.path().join("iam.json");
    let principals = r#"{"Account": "123456789012", "Principals": [{"Arn": "arn:aws:iam::123456789012:user/me",
        "AccessKeyId": "KEY", "SecretAccessKey": "secret", "Policies": []}]}"#;
    std::fs::write(&iam, principals).unwrap();
    let arguments = ["--container", &running(&container), "--iam", iam.to_str().unwrap()];
    let mut endpoint = Endpoint::start(&config, &arguments, &[]);
    let signature = "Authorization: AWS4-HMAC-SHA256 Credential=OTHER/20260101/us-east-1/sagemaker/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=ab\r\nX-Amz-Date: 20260101T000000Z\r\n";
    for (more, exception) in [("", "MissingAuthenticationTokenException"), (signature, "InvalidSignatureException")] {
        let mut connection = TcpStream::connect(endpoint.process().address()).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.write_all(head(20 * MIB, more).as_bytes()).unwrap();
        connection.write_all(&[b'1'; 4096]).unwrap();
        let mut answer = [0; 1024];
        let count = connection.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(exception), "{answer}");
        assert_eq!(metric(&endpoint, "byoc_endpoint_in_flight_bytes"), 0);
    }
}

#[test]
fn a_request_for_another_host_is_refused_with_the_flag_that_would_allow_it() {
    let (_folder, config) = configuration();
    let container = answering();
    let arguments = ["--container", &running(&container), "--allow-host", "endpoint"];
    let mut endpoint = Endpoint::start(&config, &arguments, &[]);
    let mut ask = |line: &str, host: &str| {
        let mut connection = TcpStream::connect(endpoint.process().address()).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.write_all(format!("{line}\r\n{host}Connection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    };
    for good in ["Host: localhost\r\n", "Host: endpoint:8080\r\n", "Host: a.sagemaker.us-east-1.amazonaws.com\r\n"] {
        assert!(ask("GET /ping HTTP/1.1", good).starts_with("HTTP/1.1 200"), "{good}");
    }
    assert!(ask("GET /ping HTTP/1.0", "").starts_with("HTTP/1.0 200"));
    for path in ["/ping", "/metrics", "/endpoints/e/invocations", "/other"] {
        let answer = ask(&format!("GET {path} HTTP/1.1"), "Host: evil.example:8080\r\n");
        assert!(answer.starts_with("HTTP/1.1 421") && answer.contains("--allow-host NAME"), "{answer}");
    }
}

fn ask_later(endpoint: &Endpoint, input: &str) -> u16 {
    let headers = [("x-amzn-sagemaker-inputlocation", input), ("x-amzn-sagemaker-filename", "it")];
    endpoint.client().send("POST", "/endpoints/e/async-invocations", &headers, b"").status
}

#[test]
fn an_input_that_never_arrives_delays_neither_the_queue_nor_the_shutdown() {
    let (folder, config) = asynchronous();
    let container = answering();
    // An S3 server that accepts requests and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = format!("http://{}", silent.local_addr().unwrap());
    let output = folder.path().join("out");
    let container = running(&container);
    let output_folder = output.to_str().unwrap();
    let arguments = ["--container", &container, "--async-output", output_folder, "--container-timeout", "1"];
    let environment =
        [("AWS_ENDPOINT_URL_S3", store.as_str()), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let mut endpoint = Endpoint::start(&config, &arguments, &environment);
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(ask_later(&endpoint, pipe.to_str().unwrap()), 202);
    let failure = output.join("e/it-error.out");
    wait_until("the pipe is refused", || failure.exists());
    assert!(std::fs::read_to_string(&failure).unwrap().contains("not a regular file"));
    assert_eq!(ask_later(&endpoint, "/dev/zero"), 400, "it is not below an allowed folder");

    assert_eq!(ask_later(&endpoint, "s3://bucket/key"), 202);
    endpoint.process().signal("TERM");
    let asked = Instant::now();
    assert_eq!(endpoint.process().wait().code(), Some(75));
    assert!(asked.elapsed() < PATIENCE);
    assert!(std::fs::read_to_string(&failure).unwrap().contains("The endpoint stopped before"));
}

fn left_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("byoc-endpoint-")).collect()
}

#[test]
fn the_temporary_state_folder_of_a_killed_process_is_removed_by_the_next_process() {
    let (folder, config) = configuration();
    let container = answering();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let environment = [("TMPDIR", temporary.to_str().unwrap())];
    let container = running(&container);
    let start = || Endpoint::start(&config, &["--container", &container], &environment);
    let mut killed = start();
    killed.process().signal("KILL");
    killed.process().wait();
    let abandoned = left_in(&temporary);
    assert_eq!(abandoned.len(), 1);
    let first = start();
    wait_until("it is removed", || !abandoned[0].exists());
    let first_one = left_in(&temporary).pop().unwrap();
    assert!(left_in(&temporary).len() == 1 && first_one != abandoned[0]);
    let again = start();
    let other = left_in(&temporary).into_iter().find(|folder| *folder != first_one).unwrap();
    let mut killed = again;
    killed.process().signal("KILL");
    killed.process().wait();
    let second = start();
    wait_until("it is removed as well", || !other.exists());
    assert_eq!(left_in(&temporary).len(), 2, "the folder of a running process stays");
    drop((first, second));
    assert!(left_in(&temporary).is_empty());
}

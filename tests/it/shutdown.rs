//! How a container ends: SageMaker sends SIGTERM, and SIGKILL 30 seconds later.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::artifacts::{linear_learner, model_dir, scikit_learn};
use crate::support::program::{Container, byoc, wait_until};

#[test]
fn on_sigterm_requests_in_flight_are_answered_and_the_exit_code_is_zero() {
    let folder = scikit_learn("1.4.2/housing");
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let client = container.client();
    let in_flight = std::thread::spawn(move || {
        let body = "1993,2728,6,3.0,0.7,1,y,y\n".repeat(150_000);
        client.send("POST", "/invocations", &[("content-type", "text/csv"), ("accept", "text/csv")], body.as_bytes())
    });
    wait_until("the request has arrived", || container.get("/metrics").text().contains("byoc_requests_in_flight 1"));
    container.signal("TERM");
    container.wait_for_log("SIGTERM");
    let answer = in_flight.join().unwrap();
    assert_eq!((answer.status, answer.text().lines().count()), (200, 150_000));
    assert_eq!(container.wait().code(), Some(0));
    assert!(container.client().try_send("GET", "/ping", &[], b"").is_err(), "the port is closed");
}

#[test]
fn a_request_that_is_cut_off_is_logged_and_ends_the_process_with_75() {
    let folder = linear_learner("regressor_housing");
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let _client = unfinished_request(&container);
    container.signal("TERM");
    container.wait_for_log("cut off");
    assert_eq!(container.wait().code(), Some(75));
}

/// Sends the head of a request, waits for `100 Continue`, and sends only part of the body.
fn unfinished_request(container: &Container) -> TcpStream {
    let mut client = TcpStream::connect(container.address()).unwrap();
    let head = "POST /invocations HTTP/1.1\r\nHost: byoc\r\nContent-Type: text/csv\r\nContent-Length: 40\r\n\
                Expect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    // The server sends this when it waits for the body.
    let mut interim = [0; 12];
    client.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100");
    client.write_all(b"1,2,3,").unwrap();
    client
}

#[test]
fn a_second_ctrl_c_cuts_off_requests_in_flight() {
    let folder = linear_learner("regressor_housing");
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let _client = unfinished_request(&container);
    let started = std::time::Instant::now();
    container.signal("INT");
    container.wait_for_log("Ctrl-C: no new connections");
    container.signal("INT");
    container.wait_for_log("requests in flight were cut off: Ctrl-C");
    assert_eq!(container.wait().code(), Some(75));
    assert!(
        started.elapsed().as_secs() < 10,
        "it does not wait the 20 s that requests may take: {:?}",
        started.elapsed()
    );
}

#[test]
fn an_idle_container_ends_at_once_on_sigterm_and_on_ctrl_c() {
    for signal in ["TERM", "INT"] {
        let folder = linear_learner("regressor_housing");
        let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
        let started = std::time::Instant::now();
        container.signal(signal);
        assert_eq!(container.wait().code(), Some(0), "{signal}");
        assert!(started.elapsed().as_secs() < 10, "an idle connection does not delay it: {:?}", started.elapsed());
    }
}

#[test]
fn a_container_ends_when_its_parent_closes_standard_input() {
    let mut child = byoc(&["serve", "--multi-model", "--host", "127.0.0.1", "--port", "0"])
        .env("BYOC_EXIT_ON_STDIN_EOF", "true")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let mut status = None;
    wait_until("it ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
}

#[test]
fn a_container_that_cannot_load_its_model_logs_no_other_error_while_clients_connect() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let arguments = ["serve", "--host", "127.0.0.1", "--port", &port, "--model-dir", "Cargo.toml"];
    let address = format!("127.0.0.1:{port}");
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    drop(TcpStream::connect(&address));
                }
            });
        }
        // About one start in ten logged "No workers" when actix was still accepting after its workers had ended.
        let starts: Vec<_> = (0..20).map(|_| byoc(&arguments).stdin(Stdio::null()).output().unwrap()).collect();
        is_done.store(true, Ordering::Relaxed);
        for output in starts {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(65), "{said}");
            assert!(!said.contains("ERROR"), "{said}");
            assert!(said.contains("byoc: ") && said.contains("found text"), "{said}");
        }
    });
}

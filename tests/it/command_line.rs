//! The command line as a newcomer meets it.

use std::os::unix::process::CommandExt as _;
use std::process::{Output, Stdio};

use crate::support::program::byoc;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    byoc(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_and_version_are_printed_and_are_no_failure() {
    for arguments in [&["--help"][..], &["serve", "--help"], &["endpoint", "--help"], &["--version"]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stdout.len() > 5);
    }
}

#[test]
fn a_wrong_word_is_a_usage_error() {
    for arguments in [&["fly"][..], &["serve", "--wings"], &[]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("Usage"), "{}", stderr(&output));
    }
}

#[test]
fn every_wrong_setting_is_reported_with_where_it_came_from() {
    let output = run(&["serve", "--port", "http"], &[("SAGEMAKER_MODEL_SERVER_WORKERS", "many")]);
    assert_eq!(output.status.code(), Some(78));
    let message = stderr(&output);
    for part in ["2 settings are wrong", "--port is \"http\"", "SAGEMAKER_MODEL_SERVER_WORKERS is \"many\""] {
        assert!(message.contains(part), "{part} is missing from\n{message}");
    }
}

#[test]
fn a_port_that_is_taken_is_said_plainly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["serve", "--multi-model", "--host", "127.0.0.1", "--port", &port], &[]);
    assert_eq!(output.status.code(), Some(74));
    assert!(stderr(&output).contains("another program has the port"), "{}", stderr(&output));
}

#[test]
fn called_as_serve_it_serves() {
    let mut command = byoc(&[]);
    command.arg0("/usr/local/bin/serve").args(["--port", "none"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = byoc(&["serve", "--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

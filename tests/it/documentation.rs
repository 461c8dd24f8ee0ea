//! The README's commands, as somebody copies them.

use byoc::env::Environment;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::program::byoc;

/// The script of the README's section of a name.
fn script(section: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, section) = readme.split_once(&format!("# {section}\n")).expect("the section is there");
    let (_, script) = section.split_once("```sh\n").expect("it has commands");
    script.split_once("```").expect("they end").0.to_owned()
}

#[test]
fn a_preprocessor_and_a_learner_are_fitted_trained_and_invoked_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::os::unix::fs::symlink(root.join("examples"), folder.path().join("examples")).unwrap();
    let program = byoc(&[]);
    let programs = Path::new(program.get_program()).parent().unwrap().display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = script("A preprocessor and a learner").replace("8080", &port.to_string());
    assert_eq!(script.matches(&port.to_string()).count(), 2, "the endpoint and its caller: {script}");
    let output = Command::new("bash")
        .args(["-e", "-c", &format!("{script}wait")])
        .current_dir(folder.path())
        .env("PATH", format!("{programs}:{}", Environment::of_this_process().get("PATH").unwrap_or_default()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(!stdout.contains("Creating"), "only the answer is printed: {stdout}");
    // The formula behind the table says 429,700.
    let answer =
        stdout.lines().find_map(|line| line.strip_prefix("{\"predictions\": [{\"score\": ")?.strip_suffix("}]}"));
    let score: f64 = answer.unwrap_or_else(|| panic!("{stdout}{stderr}")).parse().unwrap();
    assert!((score - 429_700.0).abs() < 50.0, "{score}");
}

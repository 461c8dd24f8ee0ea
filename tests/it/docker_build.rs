//! docker-build.sh on a machine without a container engine; `tests/image` builds with one.

use byoc::env::Environment;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the script with only a few tools of the system on PATH: no engine, no Rust, no AWS CLI.
fn run(tools: &Path, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-build.sh");
    Command::new(script).args(arguments).env_clear().env("PATH", tools).env("AWS_REGION", "eu-west-1").output().unwrap()
}

fn tools() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::of_this_process();
    let path = environment.get("PATH").unwrap();
    for tool in ["bash", "env", "dirname", "readlink", "cat", "sed", "uname", "git", "head"] {
        let found = path.split(':').map(|folder| Path::new(folder).join(tool)).find(|file| file.is_file());
        if let Some(found) = found {
            std::os::unix::fs::symlink(found, folder.path().join(tool)).unwrap();
        }
    }
    folder
}

#[test]
fn a_dry_run_needs_no_engine() {
    let tools = tools();
    for (arguments, command) in [
        (&["--dry-run"][..], "docker buildx build --provenance=false"),
        (&["--dry-run", "--engine", "docker", "--platform", "linux/arm64"], "--platform linux/arm64"),
        (&["--engine=podman", "--dry-run"], "podman build --format docker"),
        (&["--engine=buildah", "--dry-run", "--rust", "host"], "buildah build --format docker"),
        (&["--push", "--dry-run", "--tag", "team/byoc:7"], "/team/byoc:7\""),
    ] {
        let ended = run(tools.path(), arguments);
        let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(stdout.contains(command), "{arguments:?}: {stdout}");
    }
}

#[test]
fn without_an_engine_a_build_fails_and_a_dry_run_refuses_only_unknown_engines() {
    let tools = tools();
    for (arguments, code, message) in [
        (&[][..], 1, "none of docker, podman and buildah answers"),
        (&["--engine", "podman"], 1, "podman is not installed or does not answer"),
        (&["--dry-run", "--engine", "rkt"], 64, "docker, podman or buildah"),
    ] {
        let ended = run(tools.path(), arguments);
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_image_is_built_with_the_rust_version_of_the_toolchain_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"')).unwrap();
    assert!(
        read("container/Dockerfile").contains(&format!("ARG RUST_IMAGE=docker.io/library/rust:{channel}-bookworm\n"))
    );
    let minor = channel.rsplit_once('.').unwrap().0;
    assert!(read("Cargo.toml").contains(&format!("\nrust-version = \"{minor}\"\n")));
}

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::{ContainerCommand, HostingMode, RestartPort, SupervisorConfig};
use super::*;
use byoc_fake_container::{FakeContainer, response};

/// Supervises the container at `container`. Its process, if any, is the script that stands in for `byoc serve`.
fn supervise(
    container: &FakeContainer,
    health: &Health,
    process: Option<ContainerProcess>,
    health_check_timeout: Duration,
) -> BackgroundSupervisor {
    let config = SupervisorConfig {
        client: crate::platform::http::client().unwrap(),
        name: "test".into(),
        mode: HostingMode::SingleModel,
        health_check_timeout,
        restart_port: RestartPort::Same,
    };
    let supervisor = match process {
        Some(process) => Supervisor::running(config, container.origin.clone(), process),
        None => Supervisor::external(config, container.origin.clone()),
    };
    let background = BackgroundConfig {
        health: health.clone(),
        replacements: tokio::sync::mpsc::unbounded_channel().1,
        ping_interval: Duration::from_millis(1),
        failure_reason: "The primary container did not pass.".into(),
        on_restart: Box::new(|| ()),
    };
    BackgroundSupervisor::spawn(supervisor, background)
}

async fn until<T>(condition: impl Fn() -> Option<T>) -> T {
    let waiting = async {
        loop {
            match condition() {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap()
}

async fn process(fake: &str, health: &Health) -> ContainerProcess {
    let executable = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/endpoint/fake-serve.sh");
    let variables =
        BTreeMap::from([("FAKE".to_owned(), fake.to_owned()), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let command = ContainerCommand { executable, variables, model_folder: None };
    ContainerProcess::start("test", command, health.clone()).await.unwrap().0
}

#[actix_web::test]
async fn a_container_that_exits_is_restarted_at_the_same_address() {
    let container = FakeContainer::answering(200, "text/plain", "");
    let health = Health::default();
    // The script exits at once unless it is told a port.
    let process = process("ends-unless-told-a-port", &health).await;
    let instance = supervise(&container, &health, Some(process), Duration::from_secs(60));
    let how = until(|| health.exit_description()).await;
    assert_eq!(how, "the process has ended (exit status: 3)");
    until(|| health.exit_description().is_none().then_some(())).await;
    assert!(container.count("GET", "/ping") > 0);
    instance.stop().await;
    assert_eq!((health.exit_description(), health.failure_reason()), (None, None));
}

#[actix_web::test]
async fn a_container_that_does_not_recover_in_time_has_failed() {
    let container = FakeContainer::answering(200, "text/plain", "");
    let health = Health::default();
    let process = process("listens-then-ends", &health).await;
    let instance = supervise(&container, &health, Some(process), Duration::from_millis(100));
    assert_eq!(until(|| health.failure_reason()).await, "The primary container did not pass.");
    instance.stop().await;
}

#[actix_web::test]
async fn a_container_that_fails_its_pings_for_too_long_has_failed_and_one_that_recovers_has_not() {
    let health = Health::default();
    let hanging = FakeContainer::answering(500, "text/plain", "");
    let instance = supervise(&hanging, &health, None, Duration::from_millis(50));
    assert_eq!(until(|| health.failure_reason()).await, "The primary container did not pass.");
    assert!(hanging.count("GET", "/ping") > 1);
    instance.stop().await;

    let health = Health::default();
    let pings = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let flapping = FakeContainer::start(move |_| {
        let good = pings.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 == 1;
        async move { response(if good { 200 } else { 503 }).finish() }
    });
    let instance = supervise(&flapping, &health, None, Duration::from_secs(60));
    until(|| (flapping.count("GET", "/ping") > 5).then_some(())).await;
    assert_eq!(health.failure_reason(), None);
    instance.stop().await;
}

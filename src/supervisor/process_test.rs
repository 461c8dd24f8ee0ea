use std::path::PathBuf;

use super::*;
use byoc_formats::error::chain;

/// Starts the script that stands in for `byoc serve`.
async fn start(fake: &str, health: &Health) -> Result<(Process, Url), Reason> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/endpoint/fake-serve.sh");
    let variables =
        BTreeMap::from([("FAKE".to_owned(), fake.to_owned()), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    Process::start(&script, "test", &variables, health).await
}

#[actix_web::test]
async fn a_container_logs_its_address_and_exits_when_its_input_closes() {
    let health = Health::default();
    let (process, url) = start("listens", &health).await.unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:4711/");
    assert_eq!(health.exit_description(), None);
    tokio::time::timeout(STOP_TIMEOUT / 2, process.stop()).await.unwrap();
    assert_eq!(health.exit_description(), None, "a stopped container has not failed");
}

#[actix_web::test]
async fn an_early_exit_is_described() {
    let problem = start("ends", &Health::default()).await.unwrap_err();
    assert!(problem.to_string().contains("exit status: 78"), "{problem}");
    let nothing = Process::start(Path::new("/none/byoc"), "test", &BTreeMap::new(), &Health::default()).await;
    let problem = nothing.unwrap_err();
    assert_eq!(problem.to_string(), "could not start /none/byoc serve");
    assert_eq!(chain(&problem).to_string(), "could not start /none/byoc serve: No such file or directory (os error 2)");
    assert!(std::error::Error::source(&problem).is_some_and(|source| source.is::<std::io::Error>()));
}

#[actix_web::test]
async fn a_later_exit_is_noticed() {
    let health = Health::default();
    let (mut process, _) = start("listens-then-ends", &health).await.unwrap();
    process.wait_for_exit().await;
    assert_eq!(health.exit_description().as_deref(), Some("the process has ended (exit status: 3)"));
}

#[actix_web::test]
async fn a_container_that_has_exited_can_be_awaited_and_stopped_again() {
    let (mut process, _) = start("listens-then-ends", &Health::default()).await.unwrap();
    process.wait_for_exit().await;
    process.wait_for_exit().await;
    process.stop().await;
    let (mut process, _) = start("listens-then-ends", &Health::default()).await.unwrap();
    process.wait_for_exit().await;
    process.stop_and_take_last_error().await;
}

#[test]
fn the_url_is_found_in_a_log_line() {
    let cases = [
        ("[a] 2026 INFO byoc: listening on http://127.0.0.1:40123\n", Some("http://127.0.0.1:40123/")),
        ("listening on http://[::1]:5, 2 workers\n", Some("http://[::1]:5/")),
        ("listening on port 5\n", None),
        ("listening on \n", None),
        ("ready\n", None),
    ];
    for (line, url) in cases {
        assert_eq!(listening_url(line.as_bytes()).as_ref().map(Url::as_str), url, "{line}");
    }
    assert_eq!(listening_url(b"\xff listening on http://127.0.0.1:1"), None);
}

#[test]
fn the_error_of_a_log_line_follows_its_level_and_target() {
    let line = b"2026-11-26T02:16:00.000Z ERROR byoc::container::batch_invocations an answer is broken off: row 3\n";
    assert_eq!(error_in(line).as_deref(), Some("an answer is broken off: row 3"));
    assert_eq!(error_in(b"2026-11-26T02:16:00.000Z INFO  byoc::x no ERRORs\n"), None);
    assert_eq!(error_in(b"\xff"), None);
    assert_eq!(
        error_in(b"byoc: model_algo-1: expected a zip archive\n").as_deref(),
        Some("model_algo-1: expected a zip archive")
    );
}

#[actix_web::test]
async fn the_last_error_of_a_process_is_its_fatal_error_and_not_the_hint_below_it() {
    let (process, _) = start("listens-then-ends-with-words", &Health::default()).await.unwrap();
    assert_eq!(process.stop_and_take_last_error().await.as_deref(), Some("model.joblib: damaged"));
    let (process, _) = start("listens", &Health::default()).await.unwrap();
    assert_eq!(process.stop_and_take_last_error().await, None);
}

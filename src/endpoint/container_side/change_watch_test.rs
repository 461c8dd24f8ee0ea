use super::*;
use crate::error::Reason;

#[actix_web::test]
async fn if_the_store_does_not_answer_the_loaded_model_stays() {
    let loaded = Version::of_path(tempfile::tempdir().unwrap().path()).unwrap();
    for (failure, expected) in [
        (StorageError::NotFound, ArtifactState::Deleted),
        (StorageError::NoSuchBucket, ArtifactState::Deleted),
        (StorageError::Unavailable(Reason::new("x")), ArtifactState::Unknown("x".to_owned())),
        (StorageError::AccessDenied(Reason::new("x")), ArtifactState::Unknown("access is denied: x".to_owned())),
    ] {
        let state = ArtifactState::of(&loaded, Err(failure));
        assert_eq!(state, expected);
    }
    assert_eq!(ArtifactState::of(&loaded, Ok(loaded.clone())), ArtifactState::Unchanged);
}

#[actix_web::test]
async fn after_a_check_that_hangs_the_next_one_is_delayed() {
    let loaded = Version::of_path(tempfile::tempdir().unwrap().path()).unwrap();
    let begun = Instant::now();
    let (something, nothing) = tokio::join!(
        ArtifactState::checked(&loaded, std::future::pending()),
        ArtifactState::checked_where_nothing_was(std::future::pending())
    );
    assert!(begun.elapsed() < CHECK_LIMIT * 2);
    assert_eq!((&something, &nothing), (&check_timed_out(), &check_timed_out()));
    let backoff = CheckBackoff::default();
    assert!(!backoff.is_active());
    backoff.begin();
    assert!(backoff.is_active());
}

#[actix_web::test]
async fn checks_are_at_least_one_interval_apart() {
    let interval = Duration::from_millis(50);
    let watcher = ChangeWatcher::new(CheckInterval::AtMostEvery(interval));
    assert!(watcher.begin() && !watcher.begin(), "one at a time");
    let begun = Instant::now();
    watcher.pause().await;
    watcher.end(false);
    assert!(watcher.begin());
    watcher.pause().await;
    assert!(begun.elapsed() >= interval);
    watcher.end(true);
    assert!(!watcher.begin());
}

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Bytes as ActixBytes;
use tokio::sync::Semaphore;

use super::super::pipeline::{Invocation, Pipeline};
use super::*;
use crate::supervisor::Health;
use byoc_fake_container::FakeContainer;

fn client() -> Client {
    crate::platform::http::client().unwrap()
}

fn pipeline(containers: &[(&str, &FakeContainer)]) -> Pipeline {
    let containers = containers.iter();
    let containers =
        containers.map(|(name, fake)| Container::single_model(name, fake.origin.clone(), Health::default()));
    Pipeline::new(containers.collect()).unwrap()
}

/// A container that sends `first`, and `second` once the gate opens; if `second` is `None`, it breaks the connection.
fn in_two_pieces(gate: Arc<Semaphore>, first: &'static str, second: Option<&'static str>) -> FakeContainer {
    FakeContainer::start(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            let pieces = stream::iter([Some(first), second]).enumerate().then(move |(number, piece)| {
                let gate = Arc::clone(&gate);
                async move {
                    if number == 1 {
                        drop(gate.acquire().await);
                    }
                    piece.map(ActixBytes::from).ok_or_else(|| actix_web::error::ErrorInternalServerError("broken"))
                }
            });
            HttpResponse::Ok().content_type("text/event-stream").streaming(pieces)
        }
    })
}

#[actix_web::test]
async fn pieces_are_passed_on_before_the_answer_is_complete() {
    let gate = Arc::new(Semaphore::new(0));
    let first = FakeContainer::answering(200, "text/csv", "features");
    let last = in_two_pieces(Arc::clone(&gate), "one", Some("two"));
    let mut answer = pipeline(&[("a", &first), ("b", &last)]).stream(&client(), Invocation::default()).await.unwrap();
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(answer.pieces.next().await.unwrap().unwrap(), "one");
    gate.add_permits(1);
    assert_eq!(answer.pieces.next().await.unwrap().unwrap(), "two");
    assert!(answer.pieces.next().await.is_none());
    assert_eq!(last.seen()[0].body, "features");
}

#[actix_web::test]
async fn an_answer_without_a_body_is_a_stream_without_pieces() {
    let container = FakeContainer::answering(200, "text/csv", "");
    let mut answer = pipeline(&[("a", &container)]).stream(&client(), Invocation::default()).await.unwrap();
    assert!(answer.pieces.next().await.is_none());
}

#[actix_web::test]
async fn a_stream_that_breaks_or_takes_too_long_ends_with_the_reason() {
    let gate = Arc::new(Semaphore::new(0));
    let breaking = in_two_pieces(Arc::clone(&gate), "one", None);
    let mut answer = pipeline(&[("a", &breaking)]).stream(&client(), Invocation::default()).await.unwrap();
    assert_eq!(answer.pieces.next().await.unwrap().unwrap(), "one");
    gate.add_permits(1);
    let broken = answer.pieces.next().await.unwrap();
    assert!(matches!(&broken, Err(StreamBreak::Broken(why)) if !why.is_empty()), "{broken:?}");
    assert!(answer.pieces.next().await.is_none());

    let slow = in_two_pieces(Arc::new(Semaphore::new(0)), "one", Some("two"));
    let stream_timeout = Duration::from_millis(200);
    let limits = InvocationLimits { stream_timeout, ..InvocationLimits::default() };
    let mut answer =
        pipeline(&[("a", &slow)]).stream(&client(), Invocation { limits, ..Invocation::default() }).await.unwrap();
    assert_eq!(answer.pieces.next().await.unwrap().unwrap(), "one");
    assert_eq!(answer.pieces.next().await.unwrap(), Err(StreamBreak::TimedOut(stream_timeout)));
    assert!(answer.pieces.next().await.is_none());
}

#[actix_web::test]
async fn a_failure_before_the_first_byte_is_an_ordinary_failure() {
    let refusing = FakeContainer::answering(415, "text/plain", "no");
    let failure = pipeline(&[("a", &refusing)]).stream(&client(), Invocation::default()).await.err().unwrap();
    let expected = ContainerError::Status(415, Bytes::from_static(b"no"));
    assert_eq!(failure, InvocationError::Container { container: "a".into(), what: expected });

    let gate = Arc::new(Semaphore::new(0));
    let silent = FakeContainer::start(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            drop(gate.acquire().await);
            HttpResponse::Ok().finish()
        }
    });
    let limits = InvocationLimits { container_timeout: Duration::from_millis(20), ..InvocationLimits::default() };
    let failure = pipeline(&[("a", &silent)])
        .stream(&client(), Invocation { limits, ..Invocation::default() })
        .await
        .err()
        .unwrap();
    assert_eq!(failure, InvocationError::Container { container: "a".into(), what: ContainerError::TimedOut });
}

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Bytes as ActixBytes;
use reqwest::header::HeaderName;
use tokio::sync::Semaphore;

use super::*;
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, nowhere, response};

const HAND_OVER_LIMIT: usize = 5 << 20;

fn single(name: &str, container: &FakeContainer) -> Container {
    Container::single_model(name, container.origin.clone(), Health::default())
}

fn client() -> Client {
    crate::platform::http::client().unwrap()
}

fn value(text: &'static str) -> Option<HeaderValue> {
    Some(HeaderValue::from_static(text))
}

fn call() -> Invocation {
    let for_all = [("x-amzn-sagemaker-custom-attributes", "trace=1"), ("x-amzn-sagemaker-inference-id", "id-1")];
    let for_all = for_all.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Invocation {
        content_type: value("text/csv"),
        accept: value("application/jsonlines"),
        for_all: for_all.into_iter().collect(),
        body: Bytes::from_static(b"1,2"),
        ..Invocation::default()
    }
}

async fn failure_of(containers: Vec<Container>) -> InvocationError {
    Pipeline::new(containers).unwrap().invoke(&client(), call()).await.unwrap_err()
}

fn of(container: &str, what: ContainerError) -> InvocationError {
    InvocationError::Container { container: container.to_owned(), what }
}

#[actix_web::test]
async fn content_type_goes_to_the_first_accept_to_the_last_and_answers_become_requests() {
    let first = FakeContainer::answering(200, "text/csv; charset=utf-8", "first");
    let second = FakeContainer::start(|_| async { HttpResponse::Ok().body("second") });
    let third = FakeContainer::answering(200, "application/jsonlines", "third");
    let pipeline = Pipeline::new(vec![single("a", &first), single("b", &second), single("c", &third)]).unwrap();
    let answer = pipeline.invoke(&client(), call()).await.unwrap();
    assert_eq!(answer.body, "third");
    assert_eq!(answer.headers[CONTENT_TYPE], "application/jsonlines");

    let asked: Vec<_> = [first, second, third].iter().map(|container| container.seen()[0].clone()).collect();
    for one in &asked {
        assert!(one.is("POST", "/invocations"), "{one:?}");
        assert_eq!(one.header("x-amzn-sagemaker-custom-attributes"), "trace=1");
        assert_eq!(one.header("x-amzn-sagemaker-inference-id"), "id-1");
    }
    let bodies: Vec<_> = asked.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies, ["1,2", "first", "second"]);
    // Unchanged, including parameters; absent if the previous response had none.
    let content_types: Vec<_> = asked.iter().map(|one| one.header("content-type")).collect();
    assert_eq!(content_types, ["text/csv", "text/csv; charset=utf-8", ""]);
    // `*/*` means the same as no Accept: a container uses its default.
    let accepts: Vec<_> = asked.iter().map(|one| one.header("accept")).collect();
    assert_eq!(accepts, ["*/*", "*/*", "application/jsonlines"]);
}

#[actix_web::test]
async fn a_single_container_gets_both_headers_and_only_those_that_the_client_sent() {
    let container = FakeContainer::answering(200, "text/csv", "");
    let pipeline = Pipeline::new(vec![single("primary", &container)]).unwrap();
    pipeline.invoke(&client(), call()).await.unwrap();
    pipeline.invoke(&client(), Invocation::default()).await.unwrap();
    let seen = container.seen();
    assert_eq!((seen[0].header("content-type"), seen[0].header("accept")), ("text/csv", "application/jsonlines"));
    assert_eq!((seen[1].header("content-type"), seen[1].header("accept")), ("", "*/*"));
}

#[actix_web::test]
async fn a_failure_names_its_container_and_ends_the_chain() {
    let first = FakeContainer::answering(200, "application/json", "{}");
    let second = FakeContainer::answering(415, "text/plain", "no JSON here");
    let third = FakeContainer::answering(200, "text/csv", "");
    let failure = failure_of(vec![single("a", &first), single("b", &second), single("c", &third)]).await;
    assert_eq!(failure, of("b", ContainerError::Status(415, Bytes::from_static(b"no JSON here"))));
    assert!(third.seen().is_empty());

    let redirecting = FakeContainer::start(|_| async { response(302).insert_header(("Location", "/ping")).finish() });
    let failure = failure_of(vec![single("a", &redirecting)]).await;
    assert_eq!(failure, of("a", ContainerError::Status(302, Bytes::new())));
    assert_eq!(redirecting.seen().len(), 1);
}

#[actix_web::test]
async fn at_most_five_megabytes_are_passed_to_the_next_container() {
    for (bytes, chunked) in [(HAND_OVER_LIMIT, false), (HAND_OVER_LIMIT, true), (6_000_000, false), (6_000_000, true)] {
        let first = FakeContainer::start(move |_| async move {
            let body = ActixBytes::from(vec![b'1'; bytes]);
            let pieces: Vec<_> =
                body.chunks(1 << 20).map(|piece| Ok::<_, actix_web::Error>(body.slice_ref(piece))).collect();
            match chunked {
                true => HttpResponse::Ok().streaming(futures_util::stream::iter(pieces)),
                false => HttpResponse::Ok().body(body),
            }
        });
        let second = FakeContainer::answering(200, "text/csv", "ok");
        let pipeline = Pipeline::new(vec![single("a", &first), single("b", &second)]).unwrap();
        match pipeline.invoke(&client(), call()).await {
            Ok(_) => assert_eq!((bytes, second.seen()[0].body.len()), (HAND_OVER_LIMIT, bytes)),
            Err(InvocationError::Container {
                container,
                what: ContainerError::HandOverTooLarge { status, next, bytes: size, limit: HAND_OVER_LIMIT },
            }) => {
                assert_eq!((container.as_str(), status, next.as_str()), ("a", 200, "b"));
                assert_eq!(bytes, 6_000_000);
                assert!(size > HAND_OVER_LIMIT as u64 && (chunked || size == 6_000_000), "{size}");
                assert!(second.seen().is_empty());
            }
            Err(other) => panic!("{bytes} bytes, chunked {chunked}: {other:?}"),
        }
    }
}

#[actix_web::test]
async fn a_container_that_does_not_answer_or_has_exited_is_reported() {
    let gone = Container::single_model("a", nowhere(), Health::default());
    let failure = failure_of(vec![gone]).await;
    let InvocationError::Container { what: ContainerError::NoAnswer(why), .. } = &failure else {
        panic!("{failure:?}")
    };
    assert!(why.contains("refused"), "{failure:?}");

    let health = Health::default();
    let ended = Container::single_model("a", nowhere(), health.clone());
    health.mark_exited("the process has ended (signal: 9 (SIGKILL))");
    health.mark_exited("something else");
    let expected = ContainerError::Ended("the process has ended (signal: 9 (SIGKILL))".into());
    let pipeline = Pipeline::new(vec![ended]).unwrap();
    assert_eq!(pipeline.invoke(&client(), call()).await.unwrap_err(), of("a", expected));
    let how = pipeline.exit_description().unwrap();
    assert_eq!(how, "container a: the process has ended (signal: 9 (SIGKILL))");
}

#[actix_web::test]
async fn a_target_model_is_refused_without_a_multi_model_container() {
    let container = FakeContainer::answering(200, "text/csv", "");
    let pipeline = Pipeline::new(vec![single("a", &container)]).unwrap();
    let target_model = Some(TargetModel::parse("a.tar.gz").unwrap());
    let failure = pipeline.invoke(&client(), Invocation { target_model, ..call() }).await.unwrap_err();
    assert_eq!(failure, InvocationError::TargetModelNotSupported);
    assert!(container.seen().is_empty());
}

#[actix_web::test]
async fn in_direct_mode_the_named_container_is_called_as_if_it_were_alone() {
    let (first, second) =
        (FakeContainer::answering(200, "text/csv", "first"), FakeContainer::answering(415, "text/plain", "no"));
    let pipeline = Pipeline::direct(vec![single("a", &first), single("b", &second)]).unwrap();
    let to = |hostname: &str| Invocation { target_container_hostname: Some(hostname.into()), ..call() };
    let answer = pipeline.invoke(&client(), to("a")).await.unwrap();
    assert_eq!(answer.body, "first");
    let asked = &first.seen()[0];
    assert_eq!((asked.header("content-type"), asked.header("accept")), ("text/csv", "application/jsonlines"));
    assert_eq!((asked.body.as_str(), second.seen().len()), ("1,2", 0));

    let failure = pipeline.invoke(&client(), to("b")).await.unwrap_err();
    assert_eq!(failure, of("b", ContainerError::Status(415, Bytes::from_static(b"no"))));
    let failure = pipeline.invoke(&client(), to("c")).await.unwrap_err();
    assert_eq!(failure, InvocationError::NoSuchContainer { hostname: "c".into(), known: vec!["a".into(), "b".into()] });
    assert_eq!(pipeline.invoke(&client(), call()).await.unwrap_err(), InvocationError::TargetContainerMissing);
    assert_eq!((first.seen().len(), second.seen().len()), (1, 1));

    let serial = Pipeline::new(vec![single("a", &first)]).unwrap();
    assert_eq!(serial.invoke(&client(), to("a")).await.unwrap_err(), InvocationError::TargetContainerNotSupported);
}

#[actix_web::test]
async fn the_limits_of_a_call_apply() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let silent = FakeContainer::start(move |_| {
        let gate = Arc::clone(&held);
        async move {
            drop(gate.acquire().await);
            HttpResponse::Ok().finish()
        }
    });
    let limits = InvocationLimits { container_timeout: Duration::from_millis(20), ..InvocationLimits::default() };
    let pipeline = Pipeline::new(vec![single("a", &silent)]).unwrap();
    let failure = pipeline.invoke(&client(), Invocation { limits, ..call() }).await.unwrap_err();
    assert_eq!(failure, of("a", ContainerError::TimedOut));

    let (first, second) =
        (FakeContainer::answering(200, "text/csv", "12345678"), FakeContainer::answering(200, "text/csv", "1234"));
    let pipeline = Pipeline::new(vec![single("a", &first), single("b", &second)]).unwrap();
    let limits = InvocationLimits { hand_over_bytes: 7, ..InvocationLimits::default() };
    let failure = pipeline.invoke(&client(), Invocation { limits, ..call() }).await.unwrap_err();
    let what = ContainerError::HandOverTooLarge { status: 200, next: "b".into(), bytes: 8, limit: 7 };
    assert_eq!(failure, of("a", what));
    let limits = InvocationLimits { answer_bytes: 3, ..InvocationLimits::default() };
    let failure = pipeline.invoke(&client(), Invocation { limits, ..call() }).await.unwrap_err();
    assert_eq!(failure, of("b", ContainerError::BodyTooLarge(200, 3)));
}

#[test]
fn a_pipeline_needs_containers() {
    assert!(Pipeline::new(Vec::new()).is_none());
    assert!(Pipeline::direct(Vec::new()).is_none());
}

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::endpoint::client_side::asynchronous::Job;
use crate::endpoint::client_side::asynchronous::locations::{Input, output};
use crate::endpoint::client_side::{Endpoint, Services, Variant, Variants, configure};
use crate::endpoint::client_side::{Queue, Worker};
use crate::endpoint::container_side::{Container, Invocation, Pipeline};
use crate::endpoint::identity::Identity;
use crate::endpoint::limits::Limits;
use crate::leased_bytes::MemoryShare;
use crate::storage::{Folders, Location, S3Access, Storage};
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, Request, response};

/// An endpoint with a queue, and its output folder.
struct Rig {
    folder: TempDir,
    endpoint: Arc<Endpoint>,
    worker: Worker,
}

impl Rig {
    fn new(container: &FakeContainer) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let inputs = Folders::below([folder.path().to_owned()]);
        let place = |name| Location::Local(folder.path().join(name));
        let (queue, worker) = Queue::new(place("out"), place("failed"), Arc::new(inputs), 2);
        let identity = Identity { endpoint: "e".into(), region: "us-east-1".into(), account: "123456789012".into() };
        let endpoint = Arc::new(Endpoint::creating(identity, Some(queue)));
        let container = Container::single_model("primary", container.origin.clone(), Health::default());
        let variant = Variant::new("e", "AllTraffic", Pipeline::new(vec![container]).unwrap());
        endpoint.in_service(Variants::new(vec![(variant, 1.0)], None));
        Rig { folder, endpoint, worker }
    }

    fn services(&self) -> Data<Services> {
        Data::new(Services::new([Arc::clone(&self.endpoint)], Limits::default(), None))
    }

    /// Processes all waiting requests; returns the output folder.
    async fn finish(self) -> TempDir {
        self.endpoint.stop_accepting();
        self.worker
            .work(self.endpoint, crate::platform::http::client().unwrap(), Arc::default(), MemoryShare::unbounded())
            .await;
        self.folder
    }

    fn job(&self, input: Input) -> Job {
        Job {
            id: Uuid::nil(),
            variant: 0,
            call: Invocation::default(),
            input,
            output: output(&Location::Local(self.folder.path().join("out")), "", "a.out").unwrap(),
            failure: output(&Location::Local(self.folder.path().join("failed")), "", "a-error.out").unwrap(),
            queued: Instant::now(),
            time_to_live: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
        }
    }
}

fn request() -> TestRequest {
    TestRequest::post().uri("/endpoints/e/async-invocations")
}

async fn send(services: &Data<Services>, request: TestRequest) -> HttpResponse {
    let client = crate::platform::http::client().unwrap();
    let app = App::new().app_data(Data::new(client)).configure(configure(services.clone()));
    call_service(&init_service(app).await, request.to_request()).await.into_parts().1.map_into_boxed_body()
}

fn header(response: &HttpResponse, name: &str) -> String {
    response.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

async fn json(response: HttpResponse) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[actix_web::test]
async fn a_request_is_accepted_at_once_and_its_answer_is_written_to_a_file() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let rig = Rig::new(&container);
    let input = rig.folder.path().join("input.csv");
    std::fs::write(&input, "1,2").unwrap();
    let asked = request()
        .insert_header(("X-Amzn-SageMaker-InputLocation", format!("file://{}", input.display())))
        .insert_header(("X-Amzn-SageMaker-Content-Type", "text/csv"))
        .insert_header(("X-Amzn-SageMaker-Accept", "text/plain"))
        .insert_header(("X-Amzn-SageMaker-Custom-Attributes", "c"))
        .insert_header(("X-Amzn-SageMaker-Inference-Id", "id-1"))
        .insert_header(("X-Amzn-SageMaker-S3OutputPathExtension", "today/noon"));
    let response = send(&rig.services(), asked).await;
    assert_eq!(response.status(), 202);
    let folder = rig.folder.path();
    let id = header(&response, "x-amzn-requestid");
    let output = format!("file://{}", folder.join(format!("out/today/noon/{id}.out")).display());
    let failure = format!("file://{}", folder.join(format!("failed/today/noon/{id}-error.out")).display());
    assert_eq!(header(&response, "x-amzn-sagemaker-outputlocation"), output);
    assert_eq!(header(&response, "x-amzn-sagemaker-failurelocation"), failure);
    assert_eq!(json(response).await, serde_json::json!({"InferenceId": "id-1"}));
    assert!(container.seen().is_empty(), "nothing is asked before its turn");

    let folder = rig.finish().await;
    assert_eq!(read(folder.path(), &format!("out/today/noon/{id}.out")), "answer");
    assert!(!folder.path().join("failed").exists());
    let seen = &container.seen()[0];
    assert!(seen.is("POST", "/invocations"));
    assert_eq!(
        (seen.body.as_str(), seen.header("content-type"), seen.header("accept")),
        ("1,2", "text/csv", "text/plain")
    );
    assert_eq!(seen.header("x-amzn-sagemaker-custom-attributes"), "c");
    assert_eq!(seen.header("x-amzn-sagemaker-inference-id"), "id-1");
}

#[actix_web::test]
async fn objects_are_named_after_filename_or_the_request_whatever_its_inference_id() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let rig = Rig::new(&container);
    let services = rig.services();
    let named = request().set_payload("1").insert_header(("X-Amzn-SageMaker-Filename", "mine.csv"));
    let output = header(&send(&services, named).await, "x-amzn-sagemaker-outputlocation");
    assert!(output.ends_with("/out/mine.csv"), "{output}");
    for _ in 0..2 {
        let same = request().set_payload("1").insert_header(("X-Amzn-SageMaker-Inference-Id", "same"));
        let response = send(&services, same).await;
        let request_id = header(&response, "x-amzn-requestid");
        let output = header(&response, "x-amzn-sagemaker-outputlocation");
        assert!(output.ends_with(&format!("/out/{request_id}.out")), "{output}");
    }
    let response = send(&services, request().set_payload("1")).await;
    let request_id = header(&response, "x-amzn-requestid");
    assert_eq!(json(response).await["InferenceId"], request_id);
    let folder = rig.finish().await;
    assert_eq!(std::fs::read_dir(folder.path().join("out")).unwrap().count(), 4);
}

#[actix_web::test]
async fn a_wrong_request_is_refused_at_once() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let rig = Rig::new(&container);
    let services = rig.services();
    let large = "x".repeat(128_001);
    let cases = [
        (request(), "Body and InputLocation are both missing"),
        (request().set_payload("1").insert_header(("X-Amzn-SageMaker-InputLocation", "/a")), "mutually exclusive"),
        (request().set_payload(large), "Body has 128001 bytes; at most 128000"),
        (request().insert_header(("X-Amzn-SageMaker-InputLocation", "https://host/key")), "cannot be read; give"),
        (request().insert_header(("X-Amzn-SageMaker-InputLocation", "/etc/passwd")), "--async-input-root"),
        (request().insert_header(("X-Amzn-SageMaker-InputLocation", "/none/such")), "--async-input-root"),
        (request().set_payload("1").insert_header(("X-Amzn-SageMaker-Filename", "../x")), "Filename \"../x\""),
        (
            request().set_payload("1").insert_header(("X-Amzn-SageMaker-S3OutputPathExtension", "../x")),
            "S3OutputPathExtension \"../x\"",
        ),
        (request().set_payload("1").insert_header(("X-Amzn-SageMaker-RequestTTLSeconds", "59")), "from 60 to 21600"),
        (
            request().set_payload("1").insert_header(("X-Amzn-SageMaker-InvocationTimeoutSeconds", "3601")),
            "from 1 to 3600",
        ),
        (TestRequest::post().uri("/endpoints/e/invocations").set_payload("1"), "takes InvokeEndpointAsync only"),
        (
            TestRequest::post().uri("/endpoints/e/invocations-response-stream").set_payload("1"),
            "takes InvokeEndpointAsync only",
        ),
        (TestRequest::post().uri("/endpoints/x/async-invocations").set_payload("1"), "Endpoint x of account"),
    ];
    for (request, expected) in cases {
        let response = send(&services, request).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "x-amzn-errortype").as_str()),
            (400, "ValidationError")
        );
        let message = json(response).await["Message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{expected}: {message}");
    }
    rig.endpoint.stop_accepting();
    assert_eq!(send(&services, request().set_payload("1")).await.status(), 503);
    assert!(container.seen().is_empty());

    let identity = Identity { endpoint: "e".into(), region: "r".into(), account: "a".into() };
    let real_time = Arc::new(Endpoint::creating(identity, None));
    let services = Data::new(Services::new([real_time], Limits::default(), None));
    let message = json(send(&services, request().set_payload("1")).await).await["Message"].clone();
    assert_eq!(message, "Endpoint e has no AsyncInferenceConfig and does not take InvokeEndpointAsync.");
}

#[actix_web::test]
async fn a_failure_is_written_to_a_file_at_the_failure_location() {
    let refusing = FakeContainer::answering(415, "text/plain", "no");
    let late = |rig: &Rig| Job { time_to_live: Duration::ZERO, ..rig.job(Input::Inline(Bytes::from("1"))) };
    type Case = (fn(&Rig) -> Job, &'static str);
    let cases: [Case; 3] = [
        (|rig| rig.job(Input::Inline(Bytes::from("1"))), "\"OriginalStatusCode\":415"),
        (
            |rig| rig.job(Input::At(Location::Local(rig.folder.path().join("none")))),
            "/none could not be read: nothing is there.",
        ),
        (late, "The request waited longer than RequestTTLSeconds (0)."),
    ];
    for (job, expected) in cases {
        let rig = Rig::new(&refusing);
        let queue = rig.endpoint.queue.as_ref().unwrap();
        queue.push(job(&rig)).unwrap();
        let folder = rig.finish().await;
        let content = read(folder.path(), "failed/a-error.out");
        assert!(content.contains(expected), "{expected}: {content}");
        assert!(!folder.path().join("out").exists());
    }
    assert_eq!(refusing.seen().len(), 1);
}

#[actix_web::test]
async fn a_request_that_takes_too_long_is_abandoned() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let silent = FakeContainer::start(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            drop(gate.acquire().await);
            HttpResponse::Ok().finish()
        }
    });
    let rig = Rig::new(&silent);
    let job = Job { timeout: Duration::from_millis(20), ..rig.job(Input::Inline(Bytes::from("1"))) };
    rig.endpoint.queue.as_ref().unwrap().push(job).unwrap();
    let folder = rig.finish().await;
    let content = read(folder.path(), "failed/a-error.out");
    assert!(content.contains("InvocationTimeoutSeconds") || content.contains("timed out"), "{content}");
}

#[actix_web::test]
async fn every_abandoned_request_has_a_failure_whether_it_was_processed_or_waiting() {
    let begun = Arc::new(tokio::sync::Semaphore::new(0));
    let told = Arc::clone(&begun);
    let silent = FakeContainer::start(move |_| {
        told.add_permits(1);
        std::future::pending::<byoc_fake_container::Reaction>()
    });
    let rig = Rig::new(&silent);
    let queue = rig.endpoint.queue.as_ref().unwrap();
    for number in 0..4 {
        let mut job = rig.job(Input::Inline(Bytes::from("1")));
        job.failure = output(&queue.failure, "", &format!("{number}.out")).unwrap();
        queue.push(job).unwrap();
    }
    let endpoint = Arc::clone(&rig.endpoint);
    let Rig { folder, worker, .. } = rig;
    let work = worker.work(
        Arc::clone(&endpoint),
        crate::platform::http::client().unwrap(),
        Arc::default(),
        MemoryShare::unbounded(),
    );
    let give_up = async {
        // Two at a time: the other two wait.
        begun.acquire_many(2).await.unwrap().forget();
        endpoint.abandon();
    };
    tokio::join!(work, give_up);
    for number in 0..4 {
        let failure = read(folder.path(), &format!("failed/{number}.out"));
        assert!(failure.contains("The endpoint stopped before"), "{failure}");
    }
    assert!(begun.try_acquire().is_err(), "those that waited are not begun any more");
}

#[actix_web::test]
async fn an_input_that_is_a_pipe_or_in_another_folder_does_not_delay_others() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let rig = Rig::new(&container);
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("secret"), "secret").unwrap();
    let pipe = rig.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let link = rig.folder.path().join("link");
    std::os::unix::fs::symlink(other.path().join("secret"), &link).unwrap();
    let services = rig.services();
    // Two at a time: if one of these blocked, no later one would be processed.
    for (number, place) in [&pipe, &pipe, &pipe, &link].into_iter().enumerate() {
        let asked = request()
            .insert_header(("X-Amzn-SageMaker-InputLocation", place.to_str().unwrap()))
            .insert_header(("X-Amzn-SageMaker-Filename", number.to_string()));
        assert_eq!(send(&services, asked).await.status(), 202);
    }
    let last = request().set_payload("1").insert_header(("X-Amzn-SageMaker-Filename", "last"));
    assert_eq!(send(&services, last).await.status(), 202);
    let folder = rig.finish().await;
    assert_eq!(read(folder.path(), "out/last"), "answer");
    for number in 0..3 {
        let failure = read(folder.path(), &format!("failed/{number}-error.out"));
        assert!(failure.contains("it is not a regular file"), "{failure}");
    }
    let failure = read(folder.path(), "failed/3-error.out");
    assert!(failure.contains("is not below an allowed folder"), "{failure}");
    assert_eq!(container.seen().len(), 1);
}

#[actix_web::test]
async fn an_empty_json_document_with_an_input_location_is_not_a_body() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let rig = Rig::new(&container);
    let services = rig.services();
    let input = rig.folder.path().join("input.csv");
    std::fs::write(&input, "1,2").unwrap();
    for (body, status) in [("", 202), ("{}", 202), (" {}\n", 202), ("{\"a\": 1}", 400), ("[]", 400), ("1,2", 400)] {
        let asked = request()
            .insert_header(("X-Amzn-SageMaker-InputLocation", input.to_str().unwrap()))
            .set_payload(body.to_owned());
        assert_eq!(send(&services, asked).await.status().as_u16(), status, "{body:?}");
    }
    // Alone it is the model's input.
    assert_eq!(send(&services, request().set_payload("{}")).await.status(), 202);
    drop(rig.finish().await);
    let mut bodies: Vec<String> = container.seen().iter().map(|seen| seen.body.clone()).collect();
    bodies.sort();
    assert_eq!(bodies, ["1,2", "1,2", "1,2", "{}"]);
}

#[actix_web::test]
async fn an_input_has_the_content_type_of_the_request_or_else_of_its_object() {
    let container = FakeContainer::answering(200, "text/plain", "answer");
    let store = FakeContainer::start(|seen: Request| async move {
        if seen.method == "PUT" {
            return response(200).insert_header(("ETag", "\"1\"")).finish();
        }
        response(200)
            .insert_header(("ETag", "\"1\""))
            .insert_header(("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT"))
            .insert_header(("Content-Type", "application/json"))
            .body("[[1]]")
    });
    let variables = [
        (crate::env::AWS_ACCESS_KEY_ID, "id"),
        (crate::env::AWS_SECRET_ACCESS_KEY, "secret"),
        (crate::env::AWS_ENDPOINT_URL_S3, store.origin.as_str().trim_end_matches('/')),
    ];
    let access = S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    for (location, said, expected) in [
        ("s3://bucket/in", None, "application/json"),
        ("s3://bucket/in", Some("text/csv"), "text/csv"),
        ("file", None, ""),
        ("file", Some("text/csv"), "text/csv"),
    ] {
        let rig = Rig::new(&container);
        let file = rig.folder.path().join("in");
        std::fs::write(&file, "1,2").unwrap();
        let location = if location == "file" { file.to_str().unwrap() } else { location };
        let mut asked = request().insert_header(("X-Amzn-SageMaker-InputLocation", location));
        if let Some(said) = said {
            asked = asked.insert_header(("X-Amzn-SageMaker-Content-Type", said));
        }
        assert_eq!(send(&rig.services(), asked).await.status(), 202);
        rig.endpoint.stop_accepting();
        let Rig { folder: _folder, worker, endpoint } = rig;
        let client = crate::platform::http::client().unwrap();
        worker.work(endpoint, client, Arc::new(Storage::new(access.clone())), MemoryShare::unbounded()).await;
        let seen = container.seen();
        assert_eq!(seen.last().unwrap().header("content-type"), expected, "{location} {said:?}");
    }
}

//! The answers of multi-model-server, request by request: what its own tests (`ModelServerTest` of
//! github.com/awslabs/multi-model-server) and AWS's containers expect of status, type and message. TensorFlow Serving's
//! container says 404 if a folder contains no model, and so does this one.

use std::path::Path;

use crate::support::artifacts::{fixture, linear_learner, model_folder, scikit_learn};
use crate::support::program::{Container, wait_until};

fn container(environment: &[(&str, &str)]) -> Container {
    Container::start(&[], &[&[("SAGEMAKER_MULTI_MODEL", "true")], environment].concat())
}

/// `POST /models` with a JSON body.
fn load(container: &Container, body: &serde_json::Value) -> crate::support::http::Reply {
    container.post("/models", &[("content-type", "application/json")], body.to_string())
}

#[test]
fn a_url_without_a_model_is_refused_as_by_multi_model_server() {
    let folder = tempfile::TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["empty", "notes", "several"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    std::fs::write(at("notes/model.onnx"), "x").unwrap();
    std::fs::write(at("notes.txt"), "x").unwrap();
    for name in ["several/a.joblib", "several/b.pkl"] {
        std::fs::copy(fixture("sklearn/1.4.2/housing/model.joblib"), at(name)).unwrap();
    }
    let (none, empty, notes) = (at("none"), at("empty"), at("notes"));
    let up = format!("{}/../empty", at("empty"));
    for environment in [vec![], vec![("BYOC_MODELS_ROOT", folder.path().to_str().unwrap())]] {
        let container = container(&environment);
        for (url, status, kind, expected) in [
            ("", 404, "ModelNotFoundException", "Model not found in model store: "),
            (&none, 404, "ModelNotFoundException", &format!("Model not found in model store: {none}")),
            (&empty, 404, "ModelNotFoundException", &format!("Model not found in model store: {empty}: ")),
            (&notes, 404, "ModelNotFoundException", &format!("Model not found in model store: {notes}: ")),
            (&at("notes.txt"), 404, "ModelNotFoundException", "Model not found in model store: "),
            (&at("several"), 500, "InvalidModelException", ""),
            ("InvalidUrl", 404, "ModelNotFoundException", "Model not found in model store: InvalidUrl"),
            ("models/m", 404, "ModelNotFoundException", "Model not found in model store: models/m"),
            ("../fake.mar", 404, "ModelNotFoundException", "Relative path is not allowed in url: ../fake.mar"),
            ("models/../m", 404, "ModelNotFoundException", "Relative path is not allowed in url: models/../m"),
            (&up, 404, "ModelNotFoundException", &format!("Relative path is not allowed in url: {up}")),
            ("s3://bucket/m", 404, "ModelNotFoundException", "Model not found in model store: s3://bucket/m"),
            ("file:///opt/ml/m", 404, "ModelNotFoundException", "Model not found in model store: file:///opt/ml/m"),
            ("http://localhost:aaaa", 404, "ModelNotFoundException", "Invalid model url: http://localhost:aaaa"),
            (
                "http://localhost:18888/fake.mar",
                400,
                "DownloadModelException",
                "Failed to download model from: http://localhost:18888/fake.mar",
            ),
        ] {
            let body = serde_json::json!({"model_name": "m", "url": url});
            let message = load(&container, &body).error(status, kind);
            assert!(message.starts_with(expected), "{url}: {message}");
            let query = format!("/models?model_name=m&url={}", percent_encoded(url));
            assert_eq!(container.post(&query, &[], "").error(status, kind), message, "{url} in the query");
        }
        assert_eq!(container.get("/models").json(), serde_json::json!({"models": []}));
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn missing_parameters_of_a_load_are_reported_before_a_missing_model() {
    let container = container(&[]);
    let folder = linear_learner("regressor_housing");
    let good = model_folder(&folder).display().to_string();
    for (query, status, kind, expected) in [
        ("", 400, "BadRequestException", "Parameter url is required."),
        ("?model_name=m", 400, "BadRequestException", "Parameter url is required."),
        (
            "?url=InvalidUrl&runtime=InvalidRuntime",
            400,
            "BadRequestException",
            "Invalid RuntimeType value: InvalidRuntime",
        ),
        (
            "?url=..%2Ffake.mar&synchronous=false",
            404,
            "ModelNotFoundException",
            "Relative path is not allowed in url: ../fake.mar",
        ),
        (&format!("?url={good}"), 400, "BadRequestException", "Parameter model_name is required."),
        (
            "?url=/no/where&model_name=m&synchronous=false",
            404,
            "ModelNotFoundException",
            "Model not found in model store: /no/where",
        ),
    ] {
        let message = container.post(&format!("/models{query}"), &[], "").error(status, kind);
        assert_eq!(message, expected, "{query}");
    }
    // The query is read if the body is not JSON, such as a form.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let loaded = container.post(&format!("/models?model_name=m&url={good}"), &form, "a=b");
    assert_eq!((loaded.status, loaded.json()["status"].as_str()), (200, Some("Workers scaled")));
    // A name that is in use is refused only if the URL leads to a model.
    let again = container.load("m", Path::new(&good)).error(409, "ConflictStatusException");
    assert_eq!(again, "Model m is already registered.");
    container.load("m", Path::new("/no/where")).error(404, "ModelNotFoundException");
}

#[test]
fn the_status_of_a_load_depends_on_its_parameters_and_the_model_is_loaded() {
    let mut container = container(&[]);
    let folder = linear_learner("regressor_housing");
    let url = model_folder(&folder);
    let more = serde_json::json!({"runtime": "python3", "handler": "x:y", "batch_size": 1, "response_timeout": 60});
    for (name, member, value, status, said) in [
        ("a", "initial_workers", serde_json::json!(1), 200, "Workers scaled"),
        ("b", "initial_workers", serde_json::json!(0), 200, "Model \"b\" registered"),
        ("c", "synchronous", serde_json::json!(true), 200, "Workers scaled"),
        ("d", "synchronous", serde_json::json!(false), 202, "Processing worker updates..."),
    ] {
        let mut body = more.clone();
        body["model_name"] = name.into();
        body["url"] = url.display().to_string().into();
        body[member] = value;
        let reply = load(&container, &body);
        assert_eq!((reply.status, reply.json()), (status, serde_json::json!({"status": said})), "{name}");
        let path = format!("/models/{name}");
        wait_until("the model is there", || container.get(&path).status == 200);
        let body = "1,2,3,4,5,6,7,8,9,10";
        let answer = container.post(&format!("{path}/invoke"), &[("content-type", "text/csv")], body);
        let query = format!("/invocations?model_name={name}");
        let by_query = container.post(&query, &[("content-type", "text/csv")], body);
        assert_eq!((by_query.status, by_query.text()), (200, answer.text()));
    }
    // A load that fails after the answer is logged, and its name is free again.
    let broken = tempfile::TempDir::new().unwrap();
    std::fs::write(broken.path().join("model.joblib"), "hello").unwrap();
    let body = serde_json::json!({"model_name": "e", "url": broken.path(), "synchronous": false});
    assert_eq!(load(&container, &body).status, 202);
    container.wait_for_log("model e was not loaded from");
    wait_until("the name is free", || container.load("e", &url).status == 200);
}

#[test]
fn unknown_paths_are_404_and_wrong_methods_405_in_multi_model_servers_words() {
    let container = container(&[]);
    let folder = scikit_learn("1.4.2/housing");
    assert_eq!(container.load("m", folder.path()).status, 200);
    let (no_path, no_method) = (
        "Requested resource is not found, please refer to API document.",
        "Requested method is not allowed, please refer to API document.",
    );
    for (method, path, status, kind, message) in [
        ("GET", "/models/InvalidModel", 404, "ModelNotFoundException", "Model not found: InvalidModel"),
        ("DELETE", "/models/fake", 404, "ModelNotFoundException", "Model not found: fake"),
        ("POST", "/models/fake/invoke", 404, "ModelNotFoundException", "Model not found: fake"),
        ("POST", "/invocations?model_name=fake", 404, "ModelNotFoundException", "Model not found: fake"),
        ("POST", "/invocations", 400, "BadRequestException", "Parameter model_name is required."),
        ("PUT", "/models", 405, "MethodNotAllowedException", no_method),
        ("DELETE", "/models", 405, "MethodNotAllowedException", no_method),
        ("POST", "/models/m", 405, "MethodNotAllowedException", no_method),
        ("PATCH", "/models/m", 405, "MethodNotAllowedException", no_method),
        ("GET", "/nowhere", 404, "ResourceNotFoundException", no_path),
        ("POST", "/models/", 404, "ResourceNotFoundException", no_path),
    ] {
        let said = container.client().send(method, path, &[("content-type", "text/csv")], b"1").error(status, kind);
        assert_eq!(said, message, "{method} {path}");
    }
    let unloaded = container.delete("/models/m");
    assert_eq!((unloaded.status, unloaded.text()), (200, "{\n  \"status\": \"Model \\\"m\\\" unregistered\"\n}\n"));
}

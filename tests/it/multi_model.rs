//! Multi-model mode: each call that a SageMaker multi-model endpoint makes to a container.

use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use crate::support::artifacts::{fixture, fixture_text, linear_learner, model_folder, scikit_learn};
use crate::support::numbers::{FLOAT32, FLOAT64, assert_alike, close};
use crate::support::program::Container;

fn container(environment: &[(&str, &str)]) -> Container {
    let mut variables = vec![("SAGEMAKER_MULTI_MODEL", "true")];
    variables.extend(environment);
    Container::start(&[], &variables)
}

#[test]
fn a_container_without_models_is_healthy_and_lists_no_models() {
    let container = container(&[]);
    assert_eq!(container.get("/ping").status, 200);
    let list = container.get("/models");
    assert_eq!((list.status, list.json()), (200, serde_json::json!({"models": []})));
}

#[test]
fn a_model_is_loaded_described_invoked_and_unloaded_in_multi_model_servers_words() {
    let container = container(&[]);
    let folder = linear_learner("regressor_housing");
    let folder = model_folder(&folder);
    let id = "d2295a7526f9df36354b8a2c4adc4f63";

    let loaded = container.load(id, &folder);
    assert_eq!((loaded.status, loaded.text()), (200, "{\n  \"status\": \"Workers scaled\"\n}\n"));
    assert_eq!(loaded.header("content-type"), Some("application/json"));

    let described = serde_json::json!({"modelName": id, "modelUrl": folder});
    assert_eq!(container.get(&format!("/models/{id}")).json(), described);
    assert_eq!(container.get("/models").json(), serde_json::json!({"models": [described]}));

    let body = fixture_text("linear-learner/regressor_housing/requests/dense.csv");
    let headers = [("content-type", "text/csv"), ("x-amzn-sagemaker-target-model", "Some_City/Some_City.tar.gz")];
    let answer = container.post(&format!("/models/{id}/invoke"), &headers, body);
    let expected =
        serde_json::from_str(&fixture_text("linear-learner/regressor_housing/expected/response.json")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_alike(&answer.json(), &expected, FLOAT32);

    let message = container.load(id, &folder).error(409, "ConflictStatusException");
    assert_eq!(message, format!("Model {id} is already registered."));

    let unloaded = container.delete(&format!("/models/{id}"));
    assert_eq!(unloaded.status, 200);
    assert_eq!(unloaded.json(), serde_json::json!({"status": format!("Model \"{id}\" unregistered")}));
    let not_found = format!("Model not found: {id}");
    assert_eq!(container.delete(&format!("/models/{id}")).error(404, "ModelNotFoundException"), not_found);
    assert_eq!(container.get(&format!("/models/{id}")).error(404, "ModelNotFoundException"), not_found);
    let invoked = container.post(&format!("/models/{id}/invoke"), &headers, "1");
    assert_eq!(invoked.error(404, "ModelNotFoundException"), not_found);
    assert_eq!(container.load(id, &folder).status, 200, "and it can be loaded again");
}

#[test]
fn names_are_opaque_and_may_contain_any_character() {
    let container = container(&[]);
    let folder = linear_learner("regressor_housing");
    for (name, encoded) in [
        ("a/b c", "a%2Fb%20c"),
        ("../../etc", "..%2F..%2Fetc"),
        ("100%", "100%25"),
        ("naïve ☃", "na%C3%AFve%20%E2%98%83"),
        ("invoke", "invoke"),
        ("x/invoke", "x%2Finvoke"),
        ("a?b#c", "a%3Fb%23c"),
        ("\"quoted\"", "%22quoted%22"),
        ("a\nb", "a%0Ab"),
    ] {
        assert_eq!(container.load(name, &model_folder(&folder)).status, 200, "{name}");
        assert_eq!(container.get(&format!("/models/{encoded}")).json()["modelName"], name);
        let body = "1,2,3,4,5,6,7,8,9,10";
        let answer = container.post(&format!("/models/{encoded}/invoke"), &[("content-type", "text/csv")], body);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(container.delete(&format!("/models/{encoded}")).status, 200, "{name}");
        let message = container.get(&format!("/models/{encoded}")).error(404, "ModelNotFoundException");
        assert_eq!(message, format!("Model not found: {name}"));
    }
}

#[test]
fn the_pages_of_the_list_contain_every_model_once() {
    let container = container(&[]);
    let folder = linear_learner("regressor_housing");
    let names: Vec<String> = (0..25).map(|number| format!("m{number:02}")).collect();
    for name in names.iter().rev() {
        assert_eq!(container.load(name, &model_folder(&folder)).status, 200);
    }
    let (mut seen, mut path, mut pages) = (Vec::new(), "/models?limit=10".to_owned(), 0);
    loop {
        let page = container.get(&path).json();
        seen.extend(
            page["models"].as_array().unwrap().iter().map(|model| model["modelName"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match page.get("nextPageToken") {
            Some(token) => path = format!("/models?limit=10&next_page_token={}", token.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!((seen, pages), (names, 3));
    assert_eq!(container.get("/models").json()["models"].as_array().unwrap().len(), 25);
    assert_eq!(container.get("/models?limit=25").json().get("nextPageToken"), None, "no empty page at the end");
    container.get("/models?next_page_token=x").error(400, "BadRequestException");
    container.get("/models?limit=x").error(400, "BadRequestException");
}

#[test]
fn a_page_token_is_the_number_of_models_to_skip() {
    let container = container(&[]);
    let folder = scikit_learn("1.4.2/housing");
    for number in 0..2_100 {
        assert_eq!(container.load(&format!("m{number:04}"), folder.path()).status, 200);
    }
    for offset in [1, 1_023, 1_024, 1_025, 2_048, 2_099] {
        let page = container.get(&format!("/models?limit=2&next_page_token={offset}")).json();
        let names: Vec<&str> =
            page["models"].as_array().unwrap().iter().map(|model| model["modelName"].as_str().unwrap()).collect();
        let expected: Vec<String> = (offset..2_100).take(2).map(|number| format!("m{number:04}")).collect();
        assert_eq!(names, expected, "{offset}");
        assert_eq!(page.get("nextPageToken").is_some(), offset + 2 < 2_100, "{offset}");
    }
    let beyond = container.get("/models?next_page_token=2100").json();
    assert_eq!(beyond, serde_json::json!({"models": []}));
}

#[test]
fn a_wrong_request_to_load_a_model_is_a_400_or_404() {
    let container = container(&[]);
    for (body, status, kind, part) in [
        ("{", 400, "BadRequestException", "model_name"),
        ("[]", 400, "BadRequestException", "model_name"),
        ("{\"model_name\": 3, \"url\": \"/x\"}", 400, "BadRequestException", "model_name: expected text, found 3"),
        ("{\"model_name\": \"m\"}", 400, "BadRequestException", "Parameter url is required."),
        ("{\"url\": \"/x\"}", 400, "BadRequestException", "Parameter model_name is required."),
        (
            "{\"model_name\": \"m\", \"url\": \"x\"}",
            404,
            "ModelNotFoundException",
            "Relative path is not allowed in url: x",
        ),
        (
            "{\"model_name\": \"m\", \"url\": \"/no/where\"}",
            404,
            "ModelNotFoundException",
            "Model not found in model store: /no/where",
        ),
    ] {
        let message = container.post("/models", &[("content-type", "application/json")], body).error(status, kind);
        assert!(message.contains(part), "{body}: {message}");
    }
    let folder = linear_learner("regressor_housing");
    let query = format!("/models?model_name=q&url={}", model_folder(&folder).display());
    assert_eq!(
        container.post(&query, &[], "").status,
        200,
        "as in multi-model-server, the query is read if there is no body"
    );
    container.post("/invocations", &[("content-type", "text/csv")], "1").error(400, "BadRequestException");
    container.client().send("PUT", "/models/q", &[], b"").error(405, "MethodNotAllowedException");
    container.client().send("PATCH", "/models", &[], b"").error(405, "MethodNotAllowedException");
}

#[test]
fn a_broken_artifact_is_a_500_and_never_a_507() {
    let container = container(&[("BYOC_MODEL_MEMORY", "1M")]);
    let good = linear_learner("regressor_housing");
    let bytes = std::fs::read(model_folder(&good).join("model_algo-1")).unwrap();
    let broken: Vec<(&str, &str, Vec<u8>)> = vec![
        ("empty", "model_algo-1", Vec::new()),
        ("cut in half", "model_algo-1", bytes[..bytes.len() / 2].to_vec()),
        ("not a zip", "model_algo-1", b"hello".to_vec()),
        ("not a pickle", "model.joblib", b"hello".to_vec()),
        ("a pickle that would run something", "model.joblib", b"cos\nsystem\n(S'true'\ntR.".to_vec()),
    ];
    for (what, file, bytes) in broken {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join(file), bytes).unwrap();
        let message = container.load("broken", folder.path()).error(500, "InvalidModelException");
        assert!(message.len() > 20, "{what}: {message}");
        assert_eq!(container.get("/models").json(), serde_json::json!({"models": []}), "{what}");
    }
    assert_eq!(container.load("broken", &model_folder(&good)).status, 200, "the name is free again");
}

#[test]
fn a_model_that_does_not_fit_is_a_507_with_the_numbers_until_another_is_unloaded() {
    let folder = linear_learner("regressor_wide");
    let container = container(&[("BYOC_MODEL_MEMORY", "100K")]);
    let mut loaded = 0;
    let refused = loop {
        let reply = container.load(&format!("m{loaded}"), &model_folder(&folder));
        if reply.status != 200 {
            break reply;
        }
        loaded += 1;
        assert!(loaded < 100, "the budget is never exceeded");
    };
    assert!(loaded >= 1);
    let message = refused.error(507, "InternalServerException");
    assert!(message.contains("102400 bytes"), "the limit is in {message:?}");
    assert_eq!(container.get("/ping").status, 200);
    assert_eq!(container.delete("/models/m0").status, 200);
    assert_eq!(container.load("again", &model_folder(&folder)).status, 200, "the memory is available again");
    let page = container.get("/metrics").text().to_owned();
    assert!(page.contains(&format!("byoc_models_loaded {loaded}")), "{page}");
}

#[test]
fn names_over_1024_bytes_and_urls_over_4096_bytes_are_refused() {
    let container = container(&[]);
    let folder = scikit_learn("1.4.2/housing");
    let refused = container.load(&"n".repeat(1025), folder.path()).error(400, "BadRequestException");
    assert_eq!(refused, "expected a model_name of at most 1024 bytes, found 1025");
    let url = format!("/{}", "u".repeat(4096));
    let refused = container.load("m", Path::new(&url)).error(400, "BadRequestException");
    assert_eq!(refused, "expected a url of at most 4096 bytes, found 4097");
    let longest = "n".repeat(1024);
    assert_eq!(container.load(&longest, folder.path()).status, 200);
    assert_eq!(container.get("/models").json()["models"][0]["modelName"], longest);
}

#[test]
fn of_two_simultaneous_loads_of_one_name_one_succeeds_and_one_conflicts() {
    let container = container(&[]);
    let folder = linear_learner("regressor_wide");
    let folder = model_folder(&folder);
    for round in 0..20 {
        let name = format!("m{round}");
        let start = Barrier::new(2);
        let load = || {
            start.wait();
            container.load(&name, &folder).status
        };
        let mut statuses = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(load), scope.spawn(load));
            [one.join().unwrap(), two.join().unwrap()]
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

#[test]
fn loads_of_different_models_and_invocations_run_concurrently() {
    let container = container(&[]);
    let (wide, housing) = (linear_learner("regressor_wide"), scikit_learn("1.4.2/housing"));
    assert_eq!(container.load("housing", &model_folder(&housing)).status, 200);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (container, wide) = (&container, model_folder(&wide));
            scope.spawn(move || {
                for round in 0..25 {
                    let name = format!("{thread}-{round}");
                    assert_eq!(container.load(&name, &wide).status, 200);
                    let body = "1993,2728,6,3.0,0.7,1,y,y";
                    let answer = container.post("/models/housing/invoke", &[("content-type", "text/csv")], body);
                    assert_eq!(answer.status, 200);
                    assert_eq!(container.delete(&format!("/models/{name}")).status, 200);
                }
            });
        }
    });
    assert_eq!(container.get("/models").json()["models"].as_array().unwrap().len(), 1);
}

#[test]
fn unloading_waits_for_the_requests_in_flight_and_answers_when_the_memory_is_free() {
    let container = container(&[]);
    let folder = scikit_learn("1.4.2/housing");
    assert_eq!(container.load("m", &model_folder(&folder)).status, 200);
    let body = "1993,2728,6,3.0,0.7,1,y,y\n".repeat(150_000);
    std::thread::scope(|scope| {
        let invoking = scope.spawn(|| {
            let headers = [("content-type", "text/csv"), ("accept", "text/csv")];
            container.post("/models/m/invoke", &headers, &body)
        });
        // Without a request in flight, the model would be freed at once.
        let page = || container.get("/metrics").text().to_owned();
        crate::support::program::wait_until("the request has arrived", || page().contains("byoc_requests_in_flight 1"));
        let unloaded = container.delete("/models/m");
        assert_eq!(unloaded.status, 200);
        assert!(page().contains("byoc_model_bytes 0"), "the memory is free before the answer is sent");
        let answer = invoking.join().unwrap();
        assert_eq!((answer.status, answer.text().lines().count()), (200, 150_000));
    });
}

#[test]
fn a_model_is_loaded_only_from_a_folder() {
    let container = container(&[]);
    let timeout = Duration::from_secs(5);
    let started = std::time::Instant::now();
    for url in ["/dev/zero", "/proc/self/mem", "/etc/passwd"] {
        container.load("m", Path::new(url)).error(404, "ModelNotFoundException");
    }
    assert!(started.elapsed() < timeout);
}

#[test]
fn outside_the_models_root_nothing_is_loaded_and_nothing_is_revealed() {
    let around = tempfile::TempDir::new().unwrap();
    let root = around.path().join("models");
    let (good, strange, secret) = (root.join("good"), root.join("strange"), around.path().join("secret"));
    for folder in [&good, &strange, &secret] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let artifact = fixture("sklearn/1.4.2/housing/model.joblib");
    for folder in [&good, &secret] {
        std::fs::copy(&artifact, folder.join("model.joblib")).unwrap();
    }
    std::fs::write(strange.join("notes.txt"), "x").unwrap();
    std::fs::write(around.path().join("password.txt"), "x").unwrap();
    std::os::unix::fs::symlink(&secret, root.join("link")).unwrap();

    let container = container(&[("BYOC_MODELS_ROOT", root.to_str().unwrap())]);
    for url in [around.path(), &secret, &secret.join("model.joblib"), &root.join("link"), &root.join("none"), &root] {
        let message = container.load("m", url).error(404, "ModelNotFoundException");
        assert_eq!(message, format!("Model not found in model store: {}", url.display()));
    }
    let message = container.load("m", &strange).error(404, "ModelNotFoundException");
    assert!(message.ends_with("found notes.txt"), "below the root a hint names files: {message}");
    assert_eq!(container.load("m", &good).status, 200);
}

#[test]
fn without_a_models_root_the_log_names_the_files_found_but_the_answer_does_not() {
    let mut container = container(&[]);
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("password.txt"), "x").unwrap();
    let message = container.load("m", folder.path()).error(404, "ModelNotFoundException");
    assert!(message.contains("the log says what was found") && !message.contains("password"), "{message}");
    container.wait_for_log("found password.txt");
    let file = folder.path().join("password.txt");
    let message = container.load("m", &file).error(404, "ModelNotFoundException");
    assert_eq!(message, format!("Model not found in model store: {}", file.display()));
    container.wait_for_log("is not a folder: expected the folder that the model was unpacked to");
}

/// Control characters in names and URLs are escaped: they do not move the cursor, clear a line or begin a new one.
#[test]
fn names_and_urls_cannot_write_their_own_lines_into_the_log() {
    let mut container = container(&[]);
    let name = "m\r2026-01-01T00:00:00.000Z ERROR forged\u{1b}[2K\u{9b}1A\u{202e}\n2026 ERROR second";
    let folder = scikit_learn("1.4.2/housing");
    assert_eq!(container.load(name, folder.path()).status, 200);
    let line = container.wait_for_log("loaded model m");
    let shown = "m\\r2026-01-01T00:00:00.000Z ERROR forged\\u{1b}[2K\\u{9b}1A\\u{202e} | 2026 ERROR second";
    assert!(line.contains(&format!("loaded model {shown} from ")), "{line:?}");
    container.load("other", Path::new("/nowhere/\u{1b}]0;title\u{7}\u{7f}")).error(404, "ModelNotFoundException");
    let line = container.wait_for_log("/nowhere/");
    assert!(line.contains("/nowhere/\\u{1b}]0;title\\u{7}\\u{7f}"), "{line:?}");
    container.get("/models/%1B%5B2J%0D%0Agone").error(404, "ModelNotFoundException");
    let line = container.wait_for_log("gone");
    assert!(line.contains("Model not found: \\u{1b}[2J\\r | gone"), "{line:?}");
}

#[test]
fn one_container_serves_estimators_and_preprocessors() {
    let container = container(&[]);
    for case in ["1.6.1/model_ridge", "1.9.1/model_logistic_proba", "1.4.2/model_svc", "1.4.2/housing"] {
        let folder = scikit_learn(case);
        let name = case.replace('/', "-");
        assert_eq!(container.load(&name, folder.path()).status, 200, "{case}");
        let body = fixture_text(&format!("sklearn/{case}/input.csv"));
        let headers = [("content-type", "text/csv"), ("accept", "text/csv")];
        let answer = container.post(&format!("/models/{name}/invoke"), &headers, body);
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        let expected = fixture_text(&format!("sklearn/{case}/expected.csv"));
        for (found, expected) in answer.text().lines().zip(expected.lines()) {
            let numbers = |line: &str| line.split(',').map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>();
            for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
                assert!(close(found, expected, FLOAT64), "{case}: {found} {expected}");
            }
        }
        assert_eq!(answer.text().lines().count(), expected.lines().count());
        assert_eq!(container.delete(&format!("/models/{name}")).status, 200);
    }
    let message = {
        let folder = scikit_learn("1.6.1/model_ridge");
        std::fs::write(folder.path().join("columns.json"), r#"{"method": "predict_proba"}"#).unwrap();
        container.load("ridge", folder.path()).error(500, "InvalidModelException")
    };
    assert!(message.contains("Ridge: the method is predict_proba, which it does not have"), "{message}");
}

/// Loads each file of `bad/` that must be refused, one after the other in one process, whose peak is that of the worst
/// file.
#[test]
#[cfg(target_os = "linux")]
fn every_bad_artifact_is_refused_within_a_second_and_64_mib_and_the_container_stays_healthy() {
    let container = container(&[]);
    let index: serde_json::Value = serde_json::from_str(&fixture_text("sklearn/bad/index.json")).unwrap();
    let mut refused = 0;
    for entry in index.as_array().unwrap().iter().filter(|entry| entry["expect"] == "refuse") {
        let file = entry["file"].as_str().unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::copy(fixture(&format!("sklearn/bad/{file}")), folder.path().join("model.joblib")).unwrap();
        let started = std::time::Instant::now();
        let reply = container.load("bad", folder.path());
        let took = started.elapsed();
        let message = reply.error(500, "InvalidModelException");
        assert!(message.contains("model.joblib: "), "{file}: {message}");
        assert!(took < Duration::from_secs(1), "{file} took {took:?}");
        let status = std::fs::read_to_string(format!("/proc/{}/status", container.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kibibytes < 64 << 10, "{file}: the peak is {kibibytes} KiB");
        refused += 1;
    }
    assert_eq!(refused, 125);
    assert_eq!(container.get("/ping").status, 200);
}

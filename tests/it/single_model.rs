//! Single-model mode: one model, loaded at start, answering on `/invocations`.

use std::time::{Duration, Instant};

use crate::support::artifacts::{fixture, fixture_text, linear_learner, model_dir, scikit_learn};
use crate::support::numbers::{FLOAT32, FLOAT64, assert_alike};
use crate::support::program::Container;

const HOUSE: &str = "1993,2728,6,3.0,0.7,1,y,y";

fn preprocessor(environment: &[(&str, &str)]) -> (Container, tempfile::TempDir) {
    let folder = scikit_learn("1.4.2/housing");
    (Container::ready(&["--model-dir", &model_dir(&folder)], environment), folder)
}

fn learner(case: &str) -> (Container, tempfile::TempDir) {
    let folder = linear_learner(case);
    (Container::ready(&["--model-dir", &model_dir(&folder)], &[]), folder)
}

#[test]
fn the_preprocessor_answers_csv_and_json_as_the_caller_accepts() {
    let (container, _folder) = preprocessor(&[]);
    let body = fixture_text("sklearn/1.4.2/housing/input.csv");
    let expected: serde_json::Value =
        serde_json::from_str(&fixture_text("sklearn/1.4.2/housing/expected_exact.json")).unwrap();

    let reply = container.invoke("text/csv", &body);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "JSON is the default");
    assert_alike(&reply.json(), &expected, FLOAT64);

    for accept in ["text/csv", "text/csv;q=0.9, application/json;q=0.1", "text/*, */*;q=0.1"] {
        let reply =
            container.post("/invocations", &[("content-type", "text/csv; charset=utf-8"), ("accept", accept)], &body);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv")), "{accept}");
        let rows: Vec<serde_json::Value> = reply
            .text()
            .lines()
            .map(|line| {
                let numbers: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
                serde_json::json!({ "features": numbers })
            })
            .collect();
        assert_alike(&serde_json::json!({ "instances": rows }), &expected, FLOAT64);
    }

    let reply =
        container.post("/invocations", &[("content-type", "text/csv"), ("accept", "application/jsonlines")], &body);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/jsonlines")));
    let rows: Vec<serde_json::Value> = reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_alike(&serde_json::json!({ "instances": rows }), &expected, FLOAT64);
}

#[test]
fn an_archive_is_served_like_its_unpacked_folder() {
    let archive = fixture("linear-learner/regressor_housing/model.tar.gz");
    let temporary = tempfile::tempdir().unwrap();
    let environment = [("SM_MODEL_DIR", archive.to_str().unwrap()), ("TMPDIR", temporary.path().to_str().unwrap())];
    let mut packed = Container::start(&[], &environment);
    let line = packed.wait_for_log("loaded ");
    assert!(line.contains(&format!("from {}: ", archive.display())), "{line}");
    packed.wait_for_ping();
    let (unpacked, _folder) = learner("regressor_housing");
    let body = fixture_text("linear-learner/regressor_housing/requests/dense.csv");
    assert_eq!(packed.invoke("text/csv", &body).text(), unpacked.invoke("text/csv", &body).text());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "no unpacked files are left");

    let broken = temporary.path().join("model.tar.gz");
    std::fs::write(&broken, &std::fs::read(&archive).unwrap()[..100]).unwrap();
    let mut container = Container::start(&["--model-dir", broken.to_str().unwrap()], &[]);
    container.wait_for_log("model.tar.gz");
    assert_eq!(container.wait().code(), Some(65));
}

#[test]
fn a_caller_that_accepts_anything_gets_the_default_of_the_environment() {
    let (container, _folder) = preprocessor(&[("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")]);
    for accept in [None, Some(""), Some("*/*")] {
        let mut headers = vec![("content-type", "text/csv")];
        headers.extend(accept.map(|accept| ("accept", accept)));
        let reply = container.post("/invocations", &headers, HOUSE);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv")), "{accept:?}");
    }
    let reply = container.post("/invocations", &[("content-type", "text/csv"), ("accept", "application/json")], HOUSE);
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[test]
fn the_answer_to_a_row_with_its_label_has_the_label_first() {
    let (container, _folder) = preprocessor(&[]);
    let accept_csv = [("content-type", "text/csv;label_size=0"), ("accept", "text/csv")];
    let without = container.post("/invocations", &accept_csv, HOUSE);
    let with = container.post("/invocations", &accept_csv, format!("{HOUSE},429700"));
    assert_eq!(with.text(), format!("429700.0,{}", without.text()));
}

#[test]
fn scores_are_identical_for_csv_json_and_json_lines_between_containers() {
    let (preprocessor, _one) = preprocessor(&[]);
    let (learner, _two) = learner("regressor_housing");
    let scores = ["text/csv", "application/json", "application/jsonlines"].map(|between| {
        let features = preprocessor.post("/invocations", &[("content-type", "text/csv"), ("accept", between)], HOUSE);
        assert_eq!((features.status, features.header("content-type")), (200, Some(between)));
        let price = learner.invoke(between, &features.body);
        assert_eq!(price.status, 200, "{}", price.text());
        price.json()["predictions"][0]["score"].as_f64().unwrap()
    });
    assert!(scores[0].is_finite());
    assert_eq!(scores[0], scores[1]);
    assert_eq!(scores[0], scores[2]);
}

#[test]
fn the_linear_learner_answers_every_documented_request() {
    for case in ["regressor_housing", "binary_logistic", "binary_hinge", "binary_at_threshold", "multiclass_4"] {
        let (container, _folder) = learner(case);
        let expected: serde_json::Value =
            serde_json::from_str(&fixture_text(&format!("linear-learner/{case}/expected/response.json"))).unwrap();
        for (request, content_type) in [
            ("dense.csv", "text/csv"),
            ("dense.json", "application/json"),
            ("dense_values.json", "application/json"),
            ("sparse.json", "application/json"),
            ("mixed.jsonl", "application/jsonlines"),
        ] {
            let body = fixture_text(&format!("linear-learner/{case}/requests/{request}"));
            let reply = container.invoke(content_type, body);
            assert_eq!(reply.status, 200, "{case} {request}: {}", reply.text());
            assert_alike(&reply.json(), &expected, FLOAT32);
        }
    }
}

#[test]
fn a_wrong_body_is_a_400_with_the_position_and_the_next_request_is_served() {
    let (container, _folder) = preprocessor(&[]);
    let message = container
        .invoke("text/csv", "1993,2728,6,3.0,0.7,1,y,y\n1993,big,6,3.0,0.7,1,y,y\n")
        .error(400, "BadRequestException");
    for part in ["row 2", "column 2", "SQUARE_FEET", "\"big\""] {
        assert!(message.contains(part), "{part} is missing from {message:?}");
    }
    let reply = container.invoke("text/csv", "1993,big,6,3.0,0.7,1,y,y\n");
    assert_eq!((&reply.json()["row"], &reply.json()["column"]), (&1.into(), &2.into()), "{}", reply.text());

    for (content_type, body) in [
        ("text/csv", ""),
        ("text/csv", "1,2,3"),
        ("text/csv", "1,2,3,4,5,6,7,8,9,10,11"),
        ("text/csv", "1993,2728,6,3.0,0.7,1,y,y\n1,2,3,4,5,6,7,8,9,10"),
        ("text/csv", "\"1993,2728,6,3.0,0.7,1,y,y"),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", "{\"instances\": [{\"features\": [1, 2]}]}"),
        ("application/json", "{\"instances\": [{}]}"),
        ("application/jsonlines", "{\"features\": [1993,2728,6,3.0,0.7,1,\"y\",\"y\"]}\n{\"feat"),
    ] {
        let message = container.invoke(content_type, body).error(400, "BadRequestException");
        assert!(message.len() > 20, "{content_type} {body:?}: the message is too short: {message:?}");
        assert_eq!(container.invoke("text/csv", HOUSE).status, 200, "after {body:?}");
    }
    let not_text = container.invoke("text/csv", b"1993,2728,6,3.0,0.7,1,\xff,y");
    assert_eq!(not_text.status, 400, "{}", not_text.text());
}

#[test]
fn the_linear_learner_reports_the_row_the_column_and_the_text_that_is_not_a_number() {
    for case in ["regressor_housing", "binary_logistic", "multiclass_4"] {
        let (container, _folder) = learner(case);
        for (request, content_type) in
            [("bad_one_short.csv", "text/csv"), ("bad_text.csv", "text/csv"), ("bad.json", "application/json")]
        {
            let body = fixture_text(&format!("linear-learner/{case}/requests/{request}"));
            let message = container.invoke(content_type, body).error(400, "BadRequestException");
            assert!(message.contains("unable to evaluate payload provided"), "{message}");
        }
        let body = fixture_text(&format!("linear-learner/{case}/requests/bad_text.csv"));
        let message = container.invoke("text/csv", body).error(400, "BadRequestException");
        for part in ["row 1", "column 1", "\"abc\""] {
            assert!(message.contains(part), "{part} is missing from {message:?}");
        }
    }
}

#[test]
fn unsupported_media_types_are_refused() {
    let (container, _folder) = preprocessor(&[]);
    for content_type in ["image/png", "text", "text/csv; charset=utf-16"] {
        let message = container.invoke(content_type, HOUSE).error(415, "UnsupportedMediaTypeException");
        assert!(message.contains(content_type), "{message}");
    }
    let reply = container.post("/invocations", &[("content-type", "text/csv"), ("accept", "image/png")], HOUSE);
    assert!(reply.error(406, "NotAcceptableException").contains("text/csv"));
    let reply = container.post("/invocations", &[("content-type", "text/csv"), ("content-encoding", "gzip")], HOUSE);
    reply.error(415, "UnsupportedMediaTypeException");
    let without = container.post("/invocations", &[], HOUSE);
    assert_eq!(without.status, 200, "no Content-Type is CSV: {}", without.text());
}

#[test]
fn a_body_over_the_limit_is_a_413() {
    let folder = scikit_learn("1.4.2/housing");
    let container = Container::ready(&["--model-dir", &model_dir(&folder), "--max-request-size", "1K"], &[]);
    let message = container.invoke("text/csv", "x".repeat(1025)).error(413, "PayloadTooLargeException");
    assert!(message.contains("1024 bytes"), "{message}");
    assert_eq!(container.invoke("text/csv", HOUSE).status, 200);
}

#[test]
fn unknown_paths_and_methods_are_answered_as_by_multi_model_server() {
    let (container, _folder) = preprocessor(&[]);
    for path in ["/", "/nope", "/models", "/models/m", "/invocations/x"] {
        let message = container.get(path).error(404, "ResourceNotFoundException");
        assert_eq!(message, "Requested resource is not found, please refer to API document.", "{path}");
    }
    for (method, path) in [("GET", "/invocations"), ("POST", "/ping"), ("DELETE", "/execution-parameters")] {
        let reply = container.client().send(method, path, &[], b"");
        let message = reply.error(405, "MethodNotAllowedException");
        assert_eq!(message, "Requested method is not allowed, please refer to API document.", "{method} {path}");
        assert!(reply.header("x-request-id").is_some());
    }
}

#[test]
fn execution_parameters_are_what_batch_transform_expects() {
    let folder = scikit_learn("1.4.2/housing");
    let arguments = ["--model-dir", &model_dir(&folder), "--workers", "3", "--max-request-size", "6M"];
    let container = Container::ready(&arguments, &[]);
    let expected =
        serde_json::json!({"MaxConcurrentTransforms": 3, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6});
    assert_eq!(container.get("/execution-parameters").json(), expected);
    let environment = [
        ("SAGEMAKER_BATCH", "true"),
        ("SAGEMAKER_BATCH_STRATEGY", "SINGLE_RECORD"),
        ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "2"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "9"),
    ];
    let container = Container::ready(&arguments, &environment);
    let expected =
        serde_json::json!({"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 9});
    assert_eq!(container.get("/execution-parameters").json(), expected);
}

#[test]
fn ping_is_answered_at_once_while_every_worker_is_busy() {
    let (container, _folder) = preprocessor(&[]);
    let body = format!("{HOUSE}\n").repeat(200_000);
    let (client, expected_rows) = (container.client(), 200_000);
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let (client, body) = (client.clone(), body.clone());
            std::thread::spawn(move || {
                let headers = [("content-type", "text/csv"), ("accept", "text/csv")];
                client.send("POST", "/invocations", &headers, body.as_bytes()).text().lines().count()
            })
        })
        .collect();
    let (mut pings, mut slowest) = (0, Duration::ZERO);
    while busy.iter().any(|busy| !busy.is_finished()) {
        let asked = Instant::now();
        assert_eq!(container.get("/ping").status, 200);
        slowest = slowest.max(asked.elapsed());
        pings += 1;
    }
    for busy in busy {
        assert_eq!(busy.join().unwrap(), expected_rows);
    }
    println!("{pings} pings during 4 requests of 200,000 rows; the slowest took {slowest:?}");
    // SageMaker allows two seconds. In an unoptimised build, a ping that waited for the requests would take longer.
    assert!(pings > 2 && slowest < Duration::from_secs(2), "{pings} pings, the slowest {slowest:?}");
}

#[test]
fn metrics_count_requests_by_route_and_status() {
    let (container, _folder) = preprocessor(&[]);
    container.invoke("text/csv", HOUSE);
    container.invoke("text/csv", "x");
    let page = container.get("/metrics");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "byoc_requests_total{route=\"invocations\",code=\"200\"} 1",
        "byoc_requests_total{route=\"invocations\",code=\"400\"} 1",
        "byoc_models_loaded 1",
    ] {
        assert!(page.text().contains(line), "{line} is missing from\n{}", page.text());
    }
}

#[test]
fn a_model_that_cannot_be_loaded_ends_the_process_with_the_reason() {
    for (folder, exit_code, reason) in
        [(fixture("sklearn/bad"), 65, "expected"), (fixture("nowhere"), 66, "Model not found in model store")]
    {
        let mut container = Container::start(&["--model-dir", folder.to_str().unwrap()], &[]);
        container.wait_for_log(reason);
        assert_eq!(container.wait().code(), Some(exit_code));
    }
}

#[test]
fn a_body_that_stops_arriving_is_a_408_and_its_connection_is_closed() {
    use std::io::{Read as _, Write as _};
    let folder = scikit_learn("1.4.2/housing");
    let container = Container::ready(&["--model-dir", &model_dir(&folder), "--timeout", "1"], &[]);
    let mut stream = std::net::TcpStream::connect(container.address()).unwrap();
    stream.write_all(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n1993").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the connection is closed after the answer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("the body did not arrive within 1 s"), "{answer}");
}

#[test]
fn a_row_that_is_far_too_wide_is_refused_before_it_takes_memory() {
    let (container, _folder) = preprocessor(&[]);
    for (content_type, body) in [
        ("text/csv", ",".repeat(20 << 20)),
        ("text/csv", format!("{HOUSE}\n{}", ",".repeat(20 << 20))),
        ("application/json", format!("{{\"instances\":[{{\"features\":[{}1]}}]}}", "1,".repeat(10 << 20))),
    ] {
        let message = container.invoke(content_type, body).error(400, "BadRequestException");
        assert!(message.contains("expected"), "{message}");
    }
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", container.pid())) {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        // Three bodies of 20 MB and the buffers to read them, but not 70 bytes for each cell.
        assert!(kilobytes < 250 << 10, "the peak was {kilobytes} kB");
    }
}

#[test]
fn a_missing_value_is_missing_in_every_media_type() {
    let (container, _folder) = preprocessor(&[]);
    let from_csv = container.invoke("text/csv", ",2728,6,3.0,0.7,1,y,y");
    let json = "{\"instances\":[{\"features\":[null,2728,6,3.0,0.7,1,\"y\",\"y\"]}]}";
    let from_json = container.invoke("application/json", json);
    assert_eq!((from_csv.status, from_json.status), (200, 200), "{}", from_json.text());
    assert!(from_csv.text().contains("[NaN, "), "{}", from_csv.text());
    assert_eq!(from_csv.text(), from_json.text());
}

#[test]
fn the_log_describes_a_row_and_columns_json_may_declare_that_no_column_is_the_label() {
    let folder = scikit_learn("1.4.2/housing");
    std::fs::remove_file(folder.path().join("columns.json")).unwrap();
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let line = container.wait_for_log("loaded scikit-learn preprocessor");
    assert!(line.contains("8 columns: YEAR_BUILT") && line.contains("may have its label PRICE, last"), "{line}");

    std::fs::write(folder.path().join("columns.json"), "{\"label\": null}").unwrap();
    let container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let answer = container.invoke("text/csv", format!("{HOUSE},429700")).json();
    let features = answer["instances"][0]["features"].as_array().unwrap().len();
    assert_eq!(features, 10, "the ninth column is not a label, and no transformer uses it");

    std::fs::write(folder.path().join("columns.json"), "{\"columns\": [\"YEAR_BUILT\", \"DECK\"]}").unwrap();
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    container.wait_for_log("every request will be refused: columns.json does not fit the model: transformer \"num\"");
}

fn scorer(arguments: &[&str], environment: &[(&str, &str)]) -> (Container, tempfile::TempDir) {
    let folder = scikit_learn("1.9.1/model_multinomial");
    let dir = model_dir(&folder);
    let arguments = [&["--model-dir", dir.as_str()], arguments].concat();
    (Container::ready(&arguments, environment), folder)
}

const ROW: &str = "0.5,1.5,red,2,3.5,yes";

#[test]
fn an_estimator_answers_class_labels_in_every_text_media_type() {
    let (container, _folder) = scorer(&[], &[]);
    let body = fixture_text("sklearn/1.9.1/model_multinomial/input.csv");
    let answer = |accept| container.post("/invocations", &[("content-type", "text/csv"), ("accept", accept)], &body);
    let csv = answer("text/csv");
    assert_eq!(csv.text(), fixture_text("sklearn/1.9.1/model_multinomial/expected.csv"));
    let labels: Vec<_> = csv.text().lines().map(|label| serde_json::json!(label)).collect();
    assert_eq!(answer("application/json").json(), serde_json::json!(labels));
    let lines: Vec<serde_json::Value> =
        answer("application/jsonlines").text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, labels);
    let message = answer("application/x-npy").error(406, "NotAcceptableException");
    assert!(message.contains("the answer has the text"), "{message}");
}

/// Each case: the form in `columns.json`, in the environment and on the command line, and the expected answer.
#[test]
fn an_estimator_answers_a_json_list_unless_a_setting_selects_predictions() {
    let list = r#"["lo"]"#;
    let predictions = r#"{"predictions": [{"predicted_label": "lo"}]}"#;
    for (file, variable, flag, expected) in [
        (None, None, None, list),
        (Some("predictions"), None, None, predictions),
        (Some("predictions"), Some("list"), None, list),
        (None, Some("predictions"), None, predictions),
        (Some("list"), Some("list"), Some("predictions"), predictions),
        (None, Some("predictions"), Some("list"), list),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let case = fixture("sklearn/1.9.1/model_multinomial");
        std::fs::copy(case.join("model.joblib"), folder.path().join("model.joblib")).unwrap();
        let columns = serde_json::json!({"method": "predict", "json": file});
        std::fs::write(folder.path().join("columns.json"), columns.to_string()).unwrap();
        let dir = folder.path().display().to_string();
        let flag = flag.map(|form| ["--scorer-json", form]);
        let arguments = [&["--model-dir", &dir][..], flag.as_ref().map_or(&[][..], |flag| &flag[..])].concat();
        let environment: Vec<_> = variable.map(|form| ("BYOC_SCORER_JSON", form)).into_iter().collect();
        let container = Container::ready(&arguments, &environment);
        let answer = container.invoke("text/csv", ROW);
        let expected = expected.replace("lo", answer.text().split('"').rev().nth(1).unwrap());
        assert_eq!(answer.text(), expected, "{file:?} {variable:?} {flag:?}");
    }
}

#[test]
fn the_method_flag_overrides_the_variable_and_the_variable_overrides_columns_json() {
    let first = |arguments: &[&str], environment: &[(&str, &str)]| {
        let (mut container, _folder) = scorer(arguments, environment);
        container.wait_for_log("loaded scikit-learn scorer (LogisticRegression, ");
        let body = fixture_text("sklearn/1.9.1/model_multinomial/input.csv");
        container.invoke("text/csv", body).json()[0].clone()
    };
    assert!(first(&[], &[]).is_string(), "predict, as columns.json says");
    let sum = |scores: &serde_json::Value| {
        let scores = scores.as_array().unwrap();
        assert_eq!(scores.len(), 3);
        scores.iter().map(|score| score.as_f64().unwrap()).sum::<f64>()
    };
    assert!((sum(&first(&[], &[("BYOC_METHOD", "predict_proba")])) - 1.0).abs() < 1e-9);
    let decided = first(&["--method", "decision_function"], &[("BYOC_METHOD", "predict_proba")]);
    assert!((sum(&decided) - 1.0).abs() > 1e-3, "{decided}");
}

#[test]
fn a_cell_that_is_not_a_number_is_reported_by_row_column_and_byte() {
    let (scorer, _folder) = scorer(&[], &[]);
    let reply = scorer.invoke("text/csv", format!("{ROW}\n{}\n", ROW.replacen("1.5", "high", 1)));
    let message = reply.error(400, "BadRequestException");
    assert!(message.contains("row 2, column 2 (b), byte 26: could not read \"high\" as a number"), "{message}");
    assert_eq!(reply.json()["byte"], 26);
}

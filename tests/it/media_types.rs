//! The binary media types over HTTP: recordio-protobuf and npy, in and out, and between the containers of a pipeline.

use serde_json::json;

use crate::support::artifacts::{fixture, fixture_text, linear_learner, model_dir, scikit_learn};
use crate::support::http::Client;
use crate::support::numbers::{FLOAT32, assert_alike};
use crate::support::program::{Container, Endpoint, byoc};

const HOUSE: &str = "1993,2728,6,3.0,0.7,1,y,y";
const RECORDIO: &str = "application/x-recordio-protobuf";
const NPY: &str = "application/x-npy";

fn fixture_bytes(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of `numpy.save` with an array of float64, in C order.
fn npy(rows: &[&[f64]]) -> Vec<u8> {
    let shape = format!("({}, {})", rows.len(), rows.first().map_or(0, |row| row.len()));
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(rows.concat().iter().flat_map(|value| value.to_le_bytes()));
    file
}

/// The float64 items of an array in an answer.
fn float64s(file: &[u8]) -> Vec<f64> {
    let length = usize::from(u16::from_le_bytes([file[8], file[9]])) + 10;
    assert!(file[..length].windows(3).any(|code| code == b"<f8"), "{}", String::from_utf8_lossy(&file[..length]));
    file[length..].as_chunks::<8>().0.iter().map(|item| f64::from_le_bytes(*item)).collect()
}

fn learner(case: &str) -> (Container, tempfile::TempDir) {
    let folder = linear_learner(case);
    (Container::ready(&["--model-dir", &model_dir(&folder)], &[]), folder)
}

fn preprocessor(case: &str, environment: &[(&str, &str)]) -> (Container, tempfile::TempDir) {
    let folder = scikit_learn(case);
    (Container::ready(&["--model-dir", &model_dir(&folder)], environment), folder)
}

#[test]
fn the_linear_learner_reads_and_answers_records() {
    for (case, requests) in [
        ("regressor_housing", &["dense", "dense_f64", "sparse"][..]),
        ("multiclass_4", &["dense", "dense_f64", "sparse"]),
        ("binary_sparse", &["dense", "sparse"]),
    ] {
        let (container, _folder) = learner(case);
        let expected: serde_json::Value =
            serde_json::from_str(&fixture_text(&format!("linear-learner/{case}/expected/response.json"))).unwrap();
        for request in requests {
            let body = fixture_bytes(&format!("linear-learner/{case}/requests/{request}.recordio"));
            let reply = container.invoke(RECORDIO, &body);
            assert_eq!(reply.status, 200, "{case} {request}: {}", reply.text());
            assert_alike(&reply.json(), &expected, FLOAT32);
            let reply = container.post("/invocations", &[("content-type", RECORDIO), ("accept", RECORDIO)], &body);
            assert_eq!((reply.status, reply.header("content-type")), (200, Some(RECORDIO)));
            let expected = fixture_bytes(&format!("linear-learner/{case}/expected/response.recordio"));
            assert_eq!(reply.body.len(), expected.len(), "{case} {request}");
        }
    }
}

#[test]
fn scores_are_identical_for_json_recordio_and_npy_between_containers() {
    let (learner, _two) = learner("regressor_housing");
    let scores = ["application/json", RECORDIO, NPY].map(|between| {
        // As between the containers of a pipeline, the environment decides the media type of the answer.
        let (preprocessor, _one) = preprocessor("1.4.2/housing", &[("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", between)]);
        let features = preprocessor.invoke("text/csv", format!("{HOUSE}\n1950,800,1,1,0.2,0,n,n"));
        assert_eq!((features.status, features.header("content-type")), (200, Some(between)));
        let prices = learner.invoke(between, &features.body);
        assert_eq!(prices.status, 200, "{}", prices.text());
        prices.json()
    });
    assert!(scores[0]["predictions"][1]["score"].is_number());
    assert_eq!(scores[0], scores[1]);
    assert_eq!(scores[0], scores[2]);
}

#[test]
fn a_pipeline_behind_the_endpoint_may_use_csv_recordio_or_npy() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/housing");
    let text = std::fs::read_to_string(example.join("endpoint.json")).unwrap();
    let mut scores = Vec::new();
    for between in ["text/csv", RECORDIO, NPY] {
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        let containers = config["Containers"].as_array_mut().unwrap();
        containers[0]["Environment"]["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"] = between.into();
        for container in containers {
            let relative = container["ModelDataUrl"].as_str().unwrap().trim_start_matches("./").to_owned();
            container["ModelDataUrl"] = format!("{}/{relative}", example.to_str().unwrap()).into();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let endpoint = Endpoint::ready(&path);
        let headers = [("content-type", "text/csv"), ("x-amzn-sagemaker-target-model", "Chicago_IL/Chicago_IL.tar.gz")];
        let reply = endpoint.client().send("POST", "/endpoints/housing/invocations", &headers, HOUSE.as_bytes());
        assert_eq!(reply.status, 200, "{between}: {}", reply.text());
        scores.push(reply.json());
    }
    assert_eq!(scores, vec![json!({"predictions": [{"score": 429700.0}]}); 3]);
}

#[test]
fn the_columns_of_an_npy_array_are_matched_by_position() {
    for case in ["polynomial", "imputer_keep_empty", "abalone_sex_empty"] {
        let (container, _folder) = preprocessor(&format!("1.4.2/{case}"), &[]);
        let input = fixture_text(&format!("sklearn/1.4.2/{case}/input.csv"));
        // A missing value in CSV is NaN in an array.
        let cells = |line: &str| line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
        let rows: Vec<Vec<f64>> = input.lines().map(cells).collect();
        let body = npy(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let expected = container.post("/invocations", &[("content-type", "text/csv"), ("accept", NPY)], &input);
        let found = container.post("/invocations", &[("content-type", NPY), ("accept", NPY)], body);
        for reply in [&expected, &found] {
            assert_eq!(reply.status, 200, "{case}: {}", String::from_utf8_lossy(&reply.body));
            assert_eq!(reply.header("content-type"), Some(NPY));
        }
        let (expected, found) = (float64s(&expected.body), float64s(&found.body));
        assert!(expected.len() == found.len() && expected.len() >= rows.len());
        let same = |(one, other): (&f64, &f64)| one == other || (one.is_nan() && other.is_nan());
        assert!(expected.iter().zip(&found).all(same), "{case}: expected {expected:?}, found {found:?}");
    }
}

#[test]
fn json_rows_may_be_lists_or_objects_by_column_name() {
    let (container, _folder) = preprocessor("1.4.2/housing", &[]);
    let expected = container.invoke("text/csv", HOUSE);
    let labelled = container.invoke("text/csv", format!("{HOUSE},429700")).json();
    let list = json!([1993, 2728, 6, 3.0, 0.7, 1, "y", "y"]);
    let names = [
        "YEAR_BUILT",
        "SQUARE_FEET",
        "NUM_BEDROOMS",
        "NUM_BATHROOMS",
        "LOT_ACRES",
        "GARAGE_SPACES",
        "FRONT_PORCH",
        "DECK",
    ];
    let by_name: serde_json::Map<_, _> =
        names.iter().rev().map(|name| (*name).to_owned()).zip(list.as_array().unwrap().iter().rev().cloned()).collect();
    for body in [
        json!({"instances": [{"features": list}]}),
        json!({"instances": [list]}),
        json!([list]),
        json!(list),
        json!({"instances": [by_name]}),
        json!([by_name]),
    ] {
        let reply = container.invoke("application/json", body.to_string());
        assert_eq!((reply.status, reply.text()), (200, expected.text()), "{body}");
    }
    for body in [list.to_string(), json!(by_name).to_string(), json!({"features": list}).to_string()] {
        let reply = container.invoke("application/jsonlines", &body);
        assert_eq!((reply.status, reply.text()), (200, expected.text()), "{body}");
    }
    let mut with_label = by_name.clone();
    with_label.insert("PRICE".to_owned(), 429700.into());
    with_label.insert("CITY".to_owned(), "Chicago_IL".into());
    assert_eq!(container.invoke("application/json", json!([with_label]).to_string()).json(), labelled);
    let mut without = by_name;
    without.remove("DECK");
    let message = container.invoke("application/json", json!([without]).to_string()).error(400, "BadRequestException");
    assert_eq!(message, "expected a value for each column in some row, found none for DECK");
}

/// What `predictor.predict` sends for a dict, and what pandas writes, also with a byte order mark.
#[test]
fn one_json_object_is_one_row_and_a_pandas_frame_is_rows_by_name() {
    let (preprocessor, _folder) = preprocessor("1.4.2/housing", &[]);
    let names = [
        "YEAR_BUILT",
        "SQUARE_FEET",
        "NUM_BEDROOMS",
        "NUM_BATHROOMS",
        "LOT_ACRES",
        "GARAGE_SPACES",
        "FRONT_PORCH",
        "DECK",
    ];
    let house = json!([1993, 2728, 6, 3.0, 0.7, 1, "y", "y"]);
    let other = json!([1950, 800, 1, 1.0, 0.2, 0, "n", "n"]);
    let values = |row: &serde_json::Value| row.as_array().unwrap().clone();
    let object = |row| serde_json::Map::from_iter(names.iter().map(|name| (*name).to_owned()).zip(values(row)));
    let columns: serde_json::Map<_, _> = names
        .iter()
        .enumerate()
        .map(|(index, name)| ((*name).to_owned(), json!([house[index], other[index]])))
        .collect();
    let ask = |body: &str| {
        let reply = preprocessor.invoke("application/json", body);
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
        reply.json()
    };
    let (one, two) = (ask(&json!([house]).to_string()), ask(&json!([house, other]).to_string()));
    for (body, expected) in [
        (json!(object(&house)), &one),
        (json!({"features": house}), &one),
        (json!({"columns": names, "index": [0, 1], "data": [house, other]}), &two),
        (json!({"data": [house, other], "columns": names}), &two),
        (json!([object(&house), object(&other)]), &two),
        (json!(columns), &two),
    ] {
        assert_eq!(&ask(&body.to_string()), expected, "{body}");
        assert_eq!(&ask(&format!("\u{feff}{body}")), expected, "{body}");
    }
    let wrong = json!({"columns": names, "data": [house, [1950, "big", 1, 1.0, 0.2, 0, "n", "n"]]});
    let message = preprocessor.invoke("application/json", wrong.to_string()).error(400, "BadRequestException");
    assert!(message.starts_with("row 2, column 2 (SQUARE_FEET): could not read \"big\""), "{message}");
}

#[test]
fn a_text_column_is_refused_by_name_for_a_numeric_answer() {
    let (container, _folder) = preprocessor("1.6.1/passthrough_strings", &[]);
    let body = fixture_text("sklearn/1.6.1/passthrough_strings/input.csv");
    for accept in [RECORDIO, NPY] {
        let reply = container.post("/invocations", &[("content-type", "text/csv"), ("accept", accept)], &body);
        let message = reply.error(406, "NotAcceptableException");
        assert!(message.starts_with("row 1, column "), "{message}");
        assert!(message.contains("the answer has the text ") && message.contains("text/csv"), "{message}");
    }
    assert_eq!(container.invoke("text/csv", &body).status, 200);
}

#[test]
fn a_bad_body_is_a_400_with_row_and_byte_and_the_next_request_is_served() {
    let (container, _folder) = learner("regressor_housing");
    let good = fixture_bytes("linear-learner/regressor_housing/requests/dense.recordio");
    let frame = 8 + u32::from_le_bytes(good[4..8].try_into().unwrap()).next_multiple_of(4) as usize;
    let spoiled = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    for (content_type, body, parts) in [
        (RECORDIO, spoiled(frame, 0), vec!["expected the number 0xced7230a", "found 0xced72300"]),
        (RECORDIO, spoiled(frame + 7, 0x20), vec!["in one piece", "continuation flag 1"]),
        (RECORDIO, good[..frame + 20].to_vec(), vec!["expected a record of", "found 12 to the end"]),
        (RECORDIO, [&good[..frame], &[0, 0][..]].concat(), vec!["expected 8 bytes", "found 2 to the end"]),
        (RECORDIO, spoiled(frame + 9, 0x7f), vec!["cannot be read as a protobuf record"]),
        (RECORDIO, Vec::new(), vec!["expected at least one record", "found an empty body"]),
        (RECORDIO, b"1,2\n".to_vec(), vec!["expected 8 bytes", "found 4"]),
        (NPY, npy(&[&[1.0, 2.0]]), vec!["expected 10 features, found 2"]),
        (NPY, npy(&[&[f64::NAN; 10]]), vec!["row 1, column 1", "expected a finite float32, found NaN"]),
        (NPY, npy(&[&[1.0; 10]])[..100].to_vec(), vec!["expected 80 bytes after the header", "found 29"]),
        (NPY, b"\x93NUMPY".to_vec(), vec!["cut short"]),
    ] {
        let reply = container.invoke(content_type, &body);
        let message = reply.error(400, "BadRequestException");
        for part in parts.iter().chain(&["unable to evaluate payload provided"]) {
            assert!(message.contains(part), "{part} is missing from {message:?}");
        }
        if content_type == RECORDIO && body.len() > frame {
            assert_eq!((&reply.json()["row"], &reply.json()["byte"]), (&2.into(), &frame.into()), "{message}");
        }
        assert_eq!(container.invoke(RECORDIO, &good).status, 200, "after {message}");
    }
}

#[test]
fn a_training_job_reads_the_labelled_records_of_a_preprocessor() {
    let (container, _folder) = preprocessor("1.4.2/housing", &[]);
    let houses: String = (0..40)
        .map(|row| format!("{},{},3,2,0.5,1,y,n,{}\n", 1950 + row, 1000 + 37 * row, 90_000 + 2_000 * row))
        .collect();
    let records = container.post("/invocations", &[("content-type", "text/csv"), ("accept", RECORDIO)], houses);
    assert_eq!(records.status, 200);

    let base = tempfile::tempdir().unwrap();
    for folder in ["input/config", "input/data/train"] {
        std::fs::create_dir_all(base.path().join(folder)).unwrap();
    }
    let write = |file: &str, bytes: &[u8]| std::fs::write(base.path().join("input").join(file), bytes).unwrap();
    let hyperparameters =
        json!({"predictor_type": "regressor", "mini_batch_size": "10", "epochs": "2", "num_models": "1"});
    write("config/hyperparameters.json", hyperparameters.to_string().as_bytes());
    let channels = json!({"train": {"TrainingInputMode": "File", "ContentType": RECORDIO}});
    write("config/inputdataconfig.json", channels.to_string().as_bytes());
    write("data/train/part", &records.body);
    let done = byoc(&["train", "--base-dir", base.path().to_str().unwrap()]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let model = base.path().join("model");
    let trained = Container::ready(&["--model-dir", model.to_str().unwrap()], &[]);
    let reply = trained.invoke(RECORDIO, &records.body);
    assert_eq!(
        reply.json()["predictions"].as_array().map(Vec::len),
        Some(40),
        "a label beside the features is ignored"
    );
}

/// RFC 9110, section 5.3.
#[test]
fn repeated_lines_of_a_list_header_are_joined() {
    let accepts = |path: &str, client: &Client, lines: &[&str]| {
        let mut headers = vec![("content-type", "text/csv")];
        headers.extend(lines.iter().map(|line| ("accept", *line)));
        let reply = client.send("POST", path, &headers, HOUSE.as_bytes());
        (reply.status, reply.header("content-type").unwrap_or_default().to_owned())
    };
    let folder = scikit_learn("1.4.2/housing");
    let (one, _folder) = preprocessor("1.4.2/housing", &[]);
    let batch = Container::ready(&["--model-dir", &model_dir(&folder)], &[("SAGEMAKER_BATCH", "true")]);
    let configuration = folder.path().join("endpoint.json");
    let model =
        r#"{"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"ContainerHostname": "c", "Image": "i"}}"#;
    std::fs::write(&configuration, model).unwrap();
    let running = format!("c=http://{}", one.address());
    let endpoint = Endpoint::start(&configuration, &["--container", &running], &[]);
    for (path, client) in [
        ("/invocations", one.client()),
        ("/invocations", batch.client()),
        ("/endpoints/e/invocations", endpoint.client()),
    ] {
        for (lines, expected) in [
            (&["image/png", "text/csv"][..], "text/csv"),
            (&["text/csv;q=0.1", "application/json"], "application/json"),
            (&["", "text/csv"], "text/csv"),
        ] {
            assert_eq!(accepts(path, &client, lines), (200, expected.to_owned()), "{path} {lines:?}");
        }
    }
    let two = [("content-type", "text/csv"), ("content-type", "application/json")];
    for client in [one.client(), batch.client()] {
        let message = client.send("POST", "/invocations", &two, HOUSE.as_bytes()).error(400, "BadRequestException");
        assert!(message.contains("content-type is given more than once"), "{message}");
    }
    let encoded = [("content-type", "text/csv"), ("content-encoding", "identity"), ("content-encoding", "gzip")];
    for client in [one.client(), batch.client()] {
        assert_eq!(client.send("POST", "/invocations", &encoded, HOUSE.as_bytes()).status, 415);
    }
}

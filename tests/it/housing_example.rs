//! The housing example, as a new user starts it.

use std::path::{Path, PathBuf};

use crate::support::program::{Container, Endpoint};

const INVOKE: &str = "/endpoints/housing/invocations";
const HOUSE: &[u8] = b"1993,2728,6,3.0,0.7,1,y,y\n";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/housing").join(name)
}

/// Stops the process and expects no warnings or errors in its log.
fn expect_no_warning(process: &mut Container) {
    process.signal("TERM");
    process.wait();
    process.wait_for_log("byoc::endpoint::run stopped");
    let warnings: Vec<&String> =
        process.seen().iter().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    assert_eq!(warnings, Vec::<&String>::new());
}

#[test]
fn the_example_starts_and_answers_without_a_warning() {
    let mut endpoint = Endpoint::ready(&example("endpoint.json"));
    for city in ["NewYork_NY", "Chicago_IL", "Houston_TX"] {
        let target_model = format!("{city}/{city}.tar.gz");
        let headers = [("content-type", "text/csv"), ("x-amzn-sagemaker-target-model", target_model.as_str())];
        let reply = endpoint.client().send("POST", INVOKE, &headers, HOUSE);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    expect_no_warning(endpoint.process());
}

#[test]
fn the_policies_of_the_example_and_its_preprocessor_alone_load_without_a_warning() {
    let iam = example("iam.json");
    let mut endpoint = Endpoint::start(&example("endpoint.json"), &["--iam", iam.to_str().unwrap()], &[]);
    expect_no_warning(endpoint.process());

    let model = example("preprocessor/model.tar.gz");
    let mut container = Container::ready(&["--model-dir", model.to_str().unwrap()], &[]);
    assert_eq!(container.invoke("text/csv", HOUSE).status, 200);
    let with_price = b"1993,2728,6,3.0,0.7,1,y,y,429700\n";
    let answer = container.post("/invocations", &[("content-type", "text/csv"), ("accept", "text/csv")], with_price);
    assert!(answer.text().starts_with("429700"), "the label comes first: {}", answer.text());
    container.signal("TERM");
    container.wait();
    container.wait_for_log("byoc::container::server stopped");
    assert!(!container.seen().iter().any(|line| line.contains(" WARN ")), "{:#?}", container.seen());
}

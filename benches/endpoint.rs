//! The latency that the endpoint adds to calling its containers directly: warm, for one container and a pipeline of
//! two; and cold, when a multi-model container has to load the model first.
//!
//! `cargo bench --bench endpoint`. Everything runs on this machine, so each round measures the containers and then the
//! endpoint, and the table shows the median round.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{App, HttpServer};
use byoc::container::{Mode, app};
use byoc::endpoint::client_side::{self, Endpoint, Services, Variant, Variants};
use byoc::endpoint::container_side::{Container, ModelCache, ModelFolder, ModelStore, Pipeline};
use byoc::endpoint::{Identity, Limits};
use byoc::storage::Location;
use byoc::supervisor::Health;

use support::load::{self, Measured};
use support::{fixtures, services};

const ROUNDS: usize = 5;
const SECONDS: f64 = 1.0;
const WORKERS: usize = 2;
/// The number of models that are loaded once each in a cold round.
const MODELS: usize = 200;

fn main() {
    println!("{WORKERS} server workers, median of {ROUNDS} rounds; latencies in microseconds");
    println!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10}", "", "direct", "", "endpoint", "", "adds", "");
    println!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10}", "", "p50", "p99", "p50", "p99", "p50", "p99");
    warm();
    cold();
}

fn warm() {
    let (first, last) = (fixtures::preprocessor(1), fixtures::learner(1));
    let (one, two) = (container(&first), container(&last));
    let endpoints = serve_endpoints(vec![
        ("one", Pipeline::new(vec![single("last", two)]).expect("a container")),
        ("two", Pipeline::new(vec![single("first", one), single("last", two)]).expect("containers")),
    ]);
    // One connection: with more, requests queue for the same few cores, which hides what the endpoint adds.
    let run = |address, request| load::measure_request(address, request, 1, Duration::from_secs_f64(SECONDS));
    let direct = |case: &fixtures::Case, address| {
        let headers = [("content-type", case.content_type), ("accept", case.accept)];
        run(address, load::request("/invocations", &headers, &case.body))
    };
    let through = |name: &str, case: &fixtures::Case| {
        let headers = [("content-type", case.content_type), ("accept", last.accept)];
        run(endpoints, load::request(&format!("/endpoints/{name}/invocations"), &headers, &case.body))
    };
    row("warm, one container", || (direct(&last, two), through("one", &last)));
    // For comparison, the latency of a client that itself calls the containers one after the other.
    row("warm, two containers", || {
        let (first_alone, last_alone) = (direct(&first, one), direct(&last, two));
        let (p50, p99) = (first_alone.p50 + last_alone.p50, first_alone.p99 + last_alone.p99);
        (Measured { rate: 1e6 / p50, p50, p99 }, through("two", &first))
    });
}

/// Measures requests that load their model. The direct calls load an unpacked model; the endpoint unpacks it first.
fn cold() {
    let case = fixtures::learner(1);
    let archive = support::fixtures_folder().join("linear-learner/regressor_housing/model.tar.gz");
    let mut round = 0;
    row(&format!("cold, one container, {MODELS} models once each"), || {
        round += 1;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let prefix = folder.path().join("prefix");
        std::fs::create_dir(&prefix).expect("a folder");
        for model in 0..MODELS {
            std::fs::copy(&archive, prefix.join(format!("{model}.tar.gz"))).expect("the fixture is there");
        }
        let headers = [("content-type", case.content_type), ("accept", case.accept)];
        let address = multi_model(&case);
        let direct: Vec<_> = (0..MODELS)
            .map(|model| {
                let url = case.folder.to_str().expect("a plain path");
                let load = format!("{{\"model_name\": \"direct-{round}-{model}\", \"url\": \"{url}\"}}");
                let invoke = format!("/models/direct-{round}-{model}/invoke");
                vec![
                    load::request("/models", &[("content-type", "application/json")], load.as_bytes()),
                    load::request(&invoke, &headers, &case.body),
                ]
            })
            .collect();
        let endpoints = serve_endpoints(vec![("many", many(address, &prefix, folder.path()))]);
        let through: Vec<_> = (0..MODELS)
            .map(|model| {
                let model = format!("{model}.tar.gz");
                let [content_type, accept] = headers;
                let headers = [content_type, accept, ("x-amzn-sagemaker-target-model", model.as_str())];
                vec![load::request("/endpoints/many/invocations", &headers, &case.body)]
            })
            .collect();
        (load::measure_each(address, &direct), load::measure_each(endpoints, &through))
    });
}

/// Measures several rounds and prints the one with the median difference.
fn row(name: &str, mut round: impl FnMut() -> (Measured, Measured)) {
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(|a, b| (a.1.p50 - a.0.p50).total_cmp(&(b.1.p50 - b.0.p50)));
    let (direct, through) = &rounds[ROUNDS / 2];
    println!(
        "{name:<44} {:>9.0} {:>9.0} {:>9.0} {:>9.0} {:>10.0} {:>10.0}",
        direct.p50,
        direct.p99,
        through.p50,
        through.p99,
        through.p50 - direct.p50,
        through.p99 - direct.p99
    );
}

fn single(name: &str, address: SocketAddr) -> Container {
    Container::single_model(name, origin(address), Health::default())
}

/// A multi-model container whose models are archives under a prefix.
fn many(address: SocketAddr, prefix: &Path, state: &Path) -> Pipeline {
    let store = ModelStore::folder("./prefix", prefix.to_owned());
    let models = ModelCache::new(
        "many",
        origin(address),
        store,
        ModelFolder::open_deleting_leftovers(state).expect("a plain path"),
    );
    Pipeline::new(vec![Container::multi_model("many", models, Health::default())]).expect("a container")
}

fn origin(address: SocketAddr) -> reqwest::Url {
    reqwest::Url::parse(&format!("http://{address}/")).expect("a URL")
}

/// Serves endpoints with the app factory of `byoc endpoint`.
fn serve_endpoints(pipelines: Vec<(&str, Pipeline)>) -> SocketAddr {
    let endpoints: Vec<_> = pipelines
        .into_iter()
        .map(|(name, pipeline)| {
            let identity =
                Identity { endpoint: name.into(), region: "us-east-1".into(), account: "123456789012".into() };
            let endpoint = Endpoint::creating(identity, None);
            endpoint.in_service(Variants::new(vec![(Variant::new(name, "AllTraffic", pipeline), 1.0)], None));
            Arc::new(endpoint)
        })
        .collect();
    let services = Data::new(Services::new(endpoints, Limits::default(), None));
    support::serve(move |listener| {
        let server = HttpServer::new(move || {
            App::new()
                .data_factory(|| std::future::ready(byoc::platform::http::client()))
                .configure(client_side::configure(services.clone()))
        });
        Ok(server.workers(WORKERS).disable_signals().listen(listener)?.run())
    })
}

/// Serves a container with the app factory of `byoc serve`.
fn container(case: &fixtures::Case) -> SocketAddr {
    serve_container(case, Mode::SingleModel(Location::Local("model".into())))
}

fn multi_model(case: &fixtures::Case) -> SocketAddr {
    serve_container(case, Mode::MultiModel)
}

fn serve_container(case: &fixtures::Case, mode: Mode) -> SocketAddr {
    let services = Data::new(services(case, WORKERS));
    support::serve(move |listener| {
        let server = HttpServer::new(move || App::new().configure(app::configure(services.clone(), &mode)));
        Ok(server.workers(WORKERS).disable_signals().listen(listener)?.run())
    })
}

//! Requests per second of both containers over HTTP, compared with a null actix handler that reads the same body and
//! writes a response of the same size: the cost of the contract over that of the web server.
//!
//! `cargo bench --bench invocations`. Server and load generator share this machine, so only the ratios are meaningful.
//! Each round measures the null handler and then the container; the table shows the median round.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use byoc::container::{Mode, app};
use byoc::storage::Location;

use support::{fixtures, load, services};

const ROUNDS: usize = 5;
const WORKERS: usize = 2;

fn main() {
    println!("{WORKERS} server workers, median of {ROUNDS} rounds; latencies in microseconds");
    println!(
        "{:<16} {:>7} {:>6} {:>11} {:>11} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "container",
        "rows",
        "conns",
        "null req/s",
        "ours req/s",
        "ratio",
        "null p50",
        "ours p50",
        "null p99",
        "ours p99"
    );
    for (rows, connections, seconds) in
        [(1, 1, 1.0), (1, 16, 1.0), (1, 64, 1.0), (1, 256, 1.0), (10_000, 1, 1.0), (10_000, 4, 1.0)]
    {
        for (name, case) in
            [("preprocessor", fixtures::preprocessor(rows)), ("linear learner", fixtures::learner(rows))]
        {
            let answer = case.answer().expect("the bench's own request").into_body();
            let null = null_server(answer);
            let ours = container(&case);
            let mut rounds: Vec<_> = (0..ROUNDS)
                .map(|_| {
                    let measure =
                        |address| load::measure(address, &case, connections, Duration::from_secs_f64(seconds));
                    (measure(null), measure(ours))
                })
                .collect();
            rounds.sort_by(|a, b| (a.1.rate / a.0.rate).total_cmp(&(b.1.rate / b.0.rate)));
            let (null, ours) = &rounds[ROUNDS / 2];
            println!(
                "{name:<16} {rows:>7} {connections:>6} {:>11.0} {:>11.0} {:>6.2} {:>9.0} {:>9.0} {:>9.0} {:>9.0}",
                null.rate,
                ours.rate,
                ours.rate / null.rate,
                null.p50,
                ours.p50,
                null.p99,
                ours.p99
            );
        }
    }
}

/// A handler that reads the body and answers with fixed bytes.
fn null_server(answer: Vec<u8>) -> SocketAddr {
    let answer = web::Bytes::from(answer);
    support::serve(move |listener| {
        let server = HttpServer::new(move || {
            let answer = answer.clone();
            let handler = move |body: web::Bytes| {
                let answer = answer.clone();
                async move {
                    std::hint::black_box(body);
                    HttpResponse::Ok().content_type("application/json").body(answer)
                }
            };
            App::new().app_data(web::PayloadConfig::new(1 << 30)).route("/invocations", web::post().to(handler))
        });
        Ok(server.workers(WORKERS).disable_signals().listen(listener)?.run())
    })
}

/// The container itself, by its own app factory.
fn container(case: &fixtures::Case) -> SocketAddr {
    let services = Data::new(services(case, WORKERS));
    support::serve(move |listener| {
        let server = HttpServer::new(move || {
            let mode = Mode::SingleModel(Location::Local("model".into()));
            App::new().configure(app::configure(services.clone(), &mode))
        });
        Ok(server.workers(WORKERS).disable_signals().listen(listener)?.run())
    })
}

//! Compares two builds of byoc: the processor time that a change adds to or removes from each request.
//!
//! `BEFORE=…/byoc AFTER=…/byoc cargo bench --bench builds`. Both serve on this machine at the same time and get
//! requests in alternate rounds; the table shows the median round. The processor time of a request is that of the
//! server process (`/proc/PID/stat`), which other work on the machine disturbs less than it does the rate.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints a table, of binaries that its user names"
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{fixtures, load};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(400);
const WORKERS: usize = 2;
/// Microseconds in a tick of `/proc`: `USER_HZ` is 100 on all architectures.
const TICK_MICROSECONDS: f64 = 10_000.0;

fn main() {
    let (Some(before), Some(after)) = (std::env::var_os("BEFORE"), std::env::var_os("AFTER")) else {
        println!("builds: nothing to compare; set BEFORE and AFTER to the paths of two binaries");
        return;
    };
    println!("{WORKERS} server workers, median of {ROUNDS} rounds; microseconds of processor time for each request");
    println!(
        "{:<16} {:>7} {:>6} {:>12} {:>12} {:>7} {:>10} {:>10} {:>7}",
        "container", "rows", "conns", "before req/s", "after req/s", "ratio", "before µs", "after µs", "ratio"
    );
    let mut costs = Vec::new();
    for (rows, connections) in [(1, 1), (1, 16), (1, 64), (100, 4), (1_000, 4), (10_000, 1), (10_000, 4)] {
        for (name, case) in
            [("preprocessor", fixtures::preprocessor(rows)), ("linear learner", fixtures::learner(rows))]
        {
            let (before, after) = (Server::start(&before, &case), Server::start(&after, &case));
            let mut rounds: Vec<_> =
                (0..ROUNDS).map(|_| (before.measure(&case, connections), after.measure(&case, connections))).collect();
            let rate = middle(&mut rounds, |(before, after)| after.rate / before.rate);
            let (rate_before, rate_after) = (rate.0.rate, rate.1.rate);
            // Summed over all rounds, because a round has few ticks.
            let cost = |of: fn(&(Round, Round)) -> &Round| {
                let (ticks, requests) = rounds.iter().map(of).fold((0.0, 0.0), |(ticks, requests), round| {
                    (ticks + round.ticks, requests + round.rate * ROUND.as_secs_f64())
                });
                ticks * TICK_MICROSECONDS / requests
            };
            let (cost_before, cost_after) = (cost(|round| &round.0), cost(|round| &round.1));
            costs.push(cost_after / cost_before);
            println!(
                "{name:<16} {rows:>7} {connections:>6} {rate_before:>12.0} {rate_after:>12.0} {:>7.3} {cost_before:>10.1} \
                 {cost_after:>10.1} {:>7.3}",
                rate_after / rate_before,
                cost_after / cost_before
            );
        }
    }
    let mean = (costs.iter().map(|ratio: &f64| ratio.ln()).sum::<f64>() / costs.len() as f64).exp();
    println!("geometric mean of the processor time, after to before: {mean:.3}");
}

/// The result of a round.
#[derive(Clone, Copy)]
struct Round {
    rate: f64,
    ticks: f64,
}

fn middle(rounds: &mut [(Round, Round)], of: impl Fn(&(Round, Round)) -> f64) -> (Round, Round) {
    rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
    rounds[rounds.len() / 2]
}

/// A running container of one build.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(binary: &std::ffi::OsStr, case: &fixtures::Case) -> Server {
        let mut process = Command::new(binary)
            .args(["serve", "--host", "127.0.0.1", "--port", "0", "--workers", &WORKERS.to_string(), "--model-dir"])
            .arg(&case.folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(process.stderr.take().expect("its log")).lines();
        let mut next = || log.next().expect("it goes on").expect("text");
        let first = next();
        let address = first.rsplit("http://").next().expect("an address").trim_end_matches('"');
        let address = address.parse().expect("an address");
        while !next().contains("loaded") {}
        // Keep reading, so that the process never blocks on a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        Server { process, address }
    }

    fn measure(&self, case: &fixtures::Case, connections: usize) -> Round {
        // The load runs for a fifth of the duration before it is measured.
        let before = self.ticks();
        let rate = load::measure(self.address, case, connections, ROUND).rate;
        let ticks = (self.ticks() - before) / 1.2;
        Round { rate, ticks }
    }

    /// The processor time of the process in ticks: fields 14 and 15 (man7.org/linux/man-pages/man5/proc.5.html).
    fn ticks(&self) -> f64 {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the process is running");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        fields[11..13].iter().map(|field| field.parse::<f64>().expect("a count")).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Code shared by the benches.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each bench uses its part, and a bench has no users")]

pub mod fixtures;
pub mod floor;
pub mod load;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use byoc::container::registry::SINGLE_MODEL;
use byoc::container::services::Services;
use byoc::container::{Config, Mode};
use byoc::model::NamedPath;

/// The state that `byoc serve` shares among requests.
pub fn services(case: &fixtures::Case, workers: usize) -> Services {
    let url = case.folder.to_str().expect("a plain path");
    let config = Config {
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        mode: Mode::MultiModel,
        s3: Default::default(),
        models_root: None,
        overrides: Default::default(),
        default_accept: None,
        workers,
        timeout: Duration::from_secs(60),
        queue: 100,
        max_request_bytes: 1 << 30,
        batch: None,
        memory: 4 << 30,
        model_memory: 1 << 30,
        stop_on_stdin_eof: false,
    };
    let services = Services::start(&config).expect("threads");
    let _ = services
        .single_model
        .set(services.registry.load(SINGLE_MODEL, &NamedPath::new(url)).expect("the bench's own model"));
    byoc::telemetry::metrics::start();
    services
}

/// Runs a server on a free port for the rest of the process.
pub fn serve(server: impl FnOnce(TcpListener) -> std::io::Result<Server> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move { server(listener).expect("it listens").await })
    });
    address
}

/// The fixtures' folder.
pub fn fixtures_folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

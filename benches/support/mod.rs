//! What the benches share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each bench uses its part, and a bench has no users")]

pub mod fixtures;
pub mod floor;
pub mod load;

use std::net::{SocketAddr, TcpListener};

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::Server;
use byoc::container::accounts::Accounts;
use byoc::container::models_root::ModelsRoot;
use byoc::container::registry::Registry;
use byoc::container::services::{SINGLE_MODEL, Services};
use byoc::container::workers::Workers;

/// What `byoc serve` would share among its requests.
pub fn services(case: &fixtures::Case, workers: usize) -> Services {
    let accounts = Accounts::new(4 << 30, 1 << 30);
    let registry = Registry::new(Arc::clone(&accounts.models), None);
    let single = OnceLock::new();
    let url = case.folder.to_str().expect("a plain path");
    let _ = single.set(registry.load(SINGLE_MODEL, url).expect("the bench's own model"));
    byoc::telemetry::metrics::start();
    Services {
        models_root: ModelsRoot::default(),
        registry,
        accounts,
        single,
        workers: Workers::start(workers, 100, Duration::from_secs(60)).expect("threads"),
        default_accept: None,
        max_request_bytes: 1 << 30,
        timeout: Duration::from_secs(60),
        parallel: workers,
        batch: None,
        in_flight: AtomicUsize::new(0),
    }
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

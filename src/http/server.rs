//! The HTTP server. Each connection uses a bounded amount of memory.
//!
//! It replaces `actix_web::HttpServer`, which lacks two options. A connection reads at most
//! [`READ_LIMIT`](super::connection::READ_LIMIT) bytes at a time; actix would read 128 KiB ahead of a body that no
//! handler reads. And each connection owns a value that is created when it opens, such as a lease of memory.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerHandle};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use byoc_account::system;

use super::connection::Connection;
use crate::error::{Cause, Error};
use crate::telemetry::logs;

/// How long an idle connection stays open. SageMaker's pings, 5 s apart, keep theirs open.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The most memory that a connection uses, in bytes. While it receives a request:
/// [`READ_LIMIT`](super::connection::READ_LIMIT), actix's payload buffer of 32 KiB, and bytes read beyond it. While it
/// sends a response: a chunk of [`CHUNK_SIZE`](super::response_body::CHUNK_SIZE) bytes and actix's buffer of 32 KiB.
pub const CONNECTION_MEMORY: u64 = 96 << 10;

/// Settings of a server.
pub struct ServerConfig<O> {
    /// Worker threads; one per processor if `None`.
    pub workers: Option<usize>,
    /// The most open connections of all workers together; further ones wait until one closes. actix's default if
    /// `None`.
    pub max_connections: Option<usize>,
    /// Seconds for which requests may continue after the server is told to stop.
    pub shutdown_timeout: u64,
    /// How long a client may leave sent bytes unacknowledged before the server closes its connection.
    pub client_timeout: Duration,
    /// Creates the value that a connection owns until it closes.
    pub on_open: O,
}

/// Configures the allocator for a server. Call it when the program starts.
pub fn configure_allocator() {
    byoc_allocator::keep_freed_memory();
    if system::has_address_space_limit() {
        byoc_allocator::share_one_arena();
    }
}

/// Stops a server. A graceful stop waits for requests in flight.
pub async fn stop(server: &ServerHandle, graceful: bool) {
    // The accepting thread logs an error if a connection arrives after the workers have stopped. While the server stops
    // that is expected, and it would precede the actual error in the log.
    logs::mute_accept_errors();
    server.stop(graceful).await;
}

/// Serves an application on a listener. Calls `app` once on each worker thread.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve<A, I, S, B, O, H>(listener: TcpListener, config: ServerConfig<O>, app: A) -> std::io::Result<Server>
where
    A: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Future: 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
    O: Fn() -> H + Clone + Send + 'static,
    H: Unpin + 'static,
{
    let ServerConfig { workers, max_connections, shutdown_timeout, client_timeout, on_open } = config;
    let address = listener.local_addr()?;
    let mut builder = Server::build().shutdown_timeout(shutdown_timeout).disable_signals();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
        if let Some(connections) = max_connections {
            builder = builder.max_concurrent_connections((connections / workers.max(1)).max(1));
        }
    }
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen(format!("http://{address}"), listener, move || {
        let stopping = stopping.clone();
        let on_open = on_open.clone();
        let http = HttpService::build()
            // Closes idle connections when the server stops.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .local_addr(address)
            .finish(map_config(app().into_factory().map_err(|error| error.into().error_response()), |_| {
                AppConfig::default()
            }));
        fn_service(move |stream: TcpStream| {
            let from = stream.peer_addr().ok();
            let connection = Connection::open(stream, client_timeout, on_open());
            async move { Ok::<_, DispatchError>((connection, Protocol::Http1, from)) }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// The error for an address on which the program cannot listen.
pub fn listen_error(address: SocketAddr, error: std::io::Error) -> Error {
    let advice = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            " (another program has the port; choose another with --port, such as --port 9000, or 0 for a free one)"
        }
        std::io::ErrorKind::PermissionDenied => " (ports below 1024 need privileges; choose another with --port)",
        _ => "",
    };
    Error::new(Cause::Io, format!("could not listen on {address}{advice}")).caused_by(error)
}

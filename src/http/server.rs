//! Serves HTTP from connections that each hold a bounded part of memory.
//!
//! This is what `actix_web::HttpServer` does, with two things that it cannot be told: a connection hands over no more than
//! [`READ_LIMIT`](super::connection::READ_LIMIT) of what has come at a time, since actix would read 128 KiB ahead of a body that nobody takes; and
//! a value that lives as long as the connection is asked for when it opens.

use std::net::TcpListener;
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
use crate::telemetry::logs;

/// How long an idle connection is kept: longer than the platform's five seconds between pings.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What a connection holds at most: what of a request has come and is not taken yet, which is [`READ_LIMIT`](super::connection::READ_LIMIT), actix's payload of
/// 32 KiB and what came with its last bytes; or what of an answer is not sent, which is a piece of
/// [`crate::http::response_body::CHUNK_SIZE`] on top of actix's buffer of 32 KiB.
pub const CONNECTION_MEMORY: u64 = 96 << 10;

/// How connections are served.
pub struct ServerConfig<O> {
    /// How many threads answer; one for each processor if `None`.
    pub workers: Option<usize>,
    /// How many connections there may be in all; others wait until one is closed. actix's own bound if `None`.
    pub max_connections: Option<usize>,
    /// How long requests may go on when the server is to stop, in seconds.
    pub shutdown_timeout: u64,
    /// How long a client may take nothing of what is sent to it.
    pub client_timeout: Duration,
    /// Makes what a connection holds until it is closed.
    pub on_open: O,
}

/// Tells the allocator how a server uses it. For a program's start.
pub fn configure_allocator() {
    byoc_allocator::keep_some();
    if system::has_bounded_addresses() {
        byoc_allocator::share_one_arena();
    }
}

/// Stops a server. A graceful stop lets requests in flight end first.
pub async fn stop(server: &ServerHandle, graceful: bool) {
    // Its workers end while its other thread may still accept a connection. That is not an error of a server that stops, and
    // would stand in the log before the error for which it stops.
    logs::mute_accepting();
    server.stop(graceful).await;
}

/// Serves an application from a listener; `app` is called once on each thread.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<A, I, S, B, O, H>(listener: TcpListener, serving: ServerConfig<O>, app: A) -> std::io::Result<Server>
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
    let ServerConfig { workers, max_connections, shutdown_timeout, client_timeout, on_open } = serving;
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
            // Idle connections end when the server is to stop.
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

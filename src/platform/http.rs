//! The HTTP client for containers: its time limits, and reading responses of unknown size.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use crate::http::{dns::SystemResolver, tls};
use crate::leased_bytes::{InsufficientMemory, LeasedBuffer, MemoryShare};

/// How long a container may take to answer `/ping`
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
pub const PING_LIMIT: Duration = Duration::from_secs(2);
/// How long an idle connection is kept. This is shorter than the keep-alive of servers (gunicorn 2 s, actix 5 s), so
/// that no request is sent on a connection that the container is just closing.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// A client for containers. Each thread that serves requests has its own: its connections live on that thread's event
/// loop, so a response wakes no other thread, and a thread that ends does not cut off another's requests.
///
/// # Errors
/// If the client cannot be created, which would be a bug.
pub fn client() -> reqwest::Result<reqwest::Client> {
    tls::install_crypto_provider();
    reqwest::Client::builder()
        // Containers are on this machine or its network, whatever http_proxy says.
        .no_proxy()
        .dns_resolver(SystemResolver)
        // Containers speak plain HTTP, so no certificates need to be loaded.
        .tls_certs_only([])
        // SageMaker does not follow a container's redirects.
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(IDLE_LIMIT)
        .build()
}

/// The result of reading a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// The whole body.
    Whole(Bytes),
    /// The body is larger than the limit, or than memory could ever be available for. It has at least this many bytes.
    TooLarge(u64),
    /// Other bodies hold the memory that it needs.
    InsufficientMemory,
}

/// Reads a response's body of at most `limit` bytes. Its memory is leased from `memory` as it arrives.
pub async fn read_body(mut response: Response, limit: usize, memory: &MemoryShare) -> reqwest::Result<Body> {
    let announced = response.content_length();
    if let Some(announced) = announced.filter(|bytes| *bytes > (limit as u64).min(memory.max_body_bytes())) {
        return Ok(Body::TooLarge(announced));
    }
    let mut arriving = match announced.and_then(|bytes| usize::try_from(bytes).ok()) {
        Some(announced) => LeasedBuffer::new(memory, announced),
        None => LeasedBuffer::of_unknown_size(memory, limit),
    };
    while let Some(piece) = response.chunk().await? {
        let bytes = arriving.len() as u64 + piece.len() as u64;
        if bytes > limit as u64 {
            return Ok(Body::TooLarge(bytes));
        }
        match arriving.push(&piece) {
            Ok(()) => {}
            Err(InsufficientMemory::NeverFits(_)) => return Ok(Body::TooLarge(bytes)),
            Err(InsufficientMemory::NotNow) => return Ok(Body::InsufficientMemory),
        }
    }
    Ok(Body::Whole(arriving.finish()))
}

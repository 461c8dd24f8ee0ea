//! HTTP to containers: the client, its time limits, and reading answers that may not be trusted to be small.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use crate::http::{dns::SystemResolver, tls};
use crate::leased_bytes::{InsufficientMemory, LeasedBuffer, MemoryShare};

/// The longest that a container may take for an answer to `/ping`
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
pub const PING_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection is kept for the next request. Shorter than what servers grant (gunicorn 2 s, actix 5 s), so
/// that a request does not go out on a connection that the container is just closing.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// A client for containers. One for each thread that serves requests: its connections live on that thread's event loop,
/// so that an answer wakes no other thread and no thread's end cuts off another's requests.
///
/// # Errors
/// When no client can be made, which would be a defect.
pub fn client() -> reqwest::Result<reqwest::Client> {
    tls::install_crypto_provider();
    reqwest::Client::builder()
        // Containers are on this machine or its network, whatever http_proxy says.
        .no_proxy()
        .dns_resolver(SystemResolver)
        // They speak plain HTTP: no certificates need to be read.
        .tls_certs_only([])
        // SageMaker does not follow a container's redirects.
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(IDLE_LIMIT)
        .build()
}

/// A body that was read, as far as it was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// It is larger than the limit, or than there could ever be memory for; this many bytes are announced or have come.
    TooLarge(u64),
    /// Others hold the memory that it would need.
    InsufficientMemory,
}

/// Reads an answer's body up to `limit` bytes, which are leased from `memory` as they come.
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

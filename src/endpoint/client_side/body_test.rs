use actix_web::error::PayloadError;
use actix_web::test::TestRequest;
use byoc_account::Account;
use futures_util::stream::{self, Stream};

use super::*;
use crate::endpoint::container_side::InvocationLimits;

fn limits() -> Limits {
    let call = InvocationLimits { container_timeout: Duration::from_millis(20), ..InvocationLimits::default() };
    Limits { request_bytes: 4, call, ..Limits::default() }
}

fn payload(pieces: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
    Payload::Stream { payload: pieces.boxed_local() }
}

fn pieces(pieces: &'static [&'static str]) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
    stream::iter(pieces).map(|piece| Ok(Bytes::from(*piece)))
}

async fn taken(pieces: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Result<Bytes, String> {
    let (limits, memory) = (limits(), MemoryShare::unbounded());
    let incoming = Incoming { payload: payload(pieces), announced: None, limits: &limits, memory: &memory };
    incoming.take().await.map_err(|error| format!("{error:?}"))
}

#[actix_web::test]
async fn a_body_is_taken_whole_or_refused_with_the_reason() {
    assert_eq!(taken(pieces(&["ab", "cd"])).await.unwrap(), "abcd");
    let error = taken(pieces(&["ab", "cde"])).await.unwrap_err();
    assert!(error.contains("exceeded 4 bytes"), "{error}");
    let error = taken(pieces(&["ab"]).chain(stream::pending())).await.unwrap_err();
    assert!(error.contains("did not arrive within 0 s"), "{error}");
    let cut = pieces(&["ab"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
    let error = taken(cut).await.unwrap_err();
    assert!(error.contains("could not be read"), "{error}");
}

#[actix_web::test]
async fn a_body_announced_as_too_large_is_refused_before_it_arrives() {
    let request = TestRequest::default().insert_header((CONTENT_LENGTH, "5")).to_http_request();
    let (limits, memory) = (limits(), MemoryShare::unbounded());
    let incoming = Incoming::new(&request, payload(stream::pending()), &limits, &memory);
    assert_eq!(incoming.take().await.map_err(|error| error.status()), Err(413));
}

#[actix_web::test]
async fn a_body_is_refused_at_the_first_piece_without_memory() {
    const PIECE: usize = 64 << 10;
    let account = Account::new(8 * PIECE as u64);
    let memory = MemoryShare::of(&account, 4 * PIECE as u64);
    let limits = Limits { request_bytes: 1 << 30, ..Limits::default() };
    let pieces = |count: usize| stream::iter((0..count).map(|_| Ok(Bytes::from_static(&[0; PIECE]))));
    let take = |count, announced: Option<usize>| Incoming {
        payload: payload(pieces(count)),
        announced: announced.map(|bytes| bytes as u64),
        limits: &limits,
        memory: &memory,
    };
    let first = take(2, Some(2 * PIECE)).take().await.unwrap();
    assert_eq!(account.used(), 2 * PIECE as u64);
    // It would have been accepted after the first one was dropped.
    let error = take(3, Some(3 * PIECE)).take().await.unwrap_err();
    assert_eq!((error.status(), account.used()), (503, 2 * PIECE as u64));
    for announced in [None, Some(5 * PIECE)] {
        let error = take(5, announced).take().await.unwrap_err();
        assert!(matches!(error.status(), 413 | 503), "{error:?}");
    }
    let small = take(1, Some(PIECE)).take().await.unwrap();
    drop(first);
    let error = take(5, None).take().await.unwrap_err();
    assert_eq!(error.status(), 413, "more than there could ever be: {error:?}");
    let (bytes, digest) = take(3, None).take_with_digest().await.unwrap();
    assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), digest);
    assert_eq!(take(100, None).digest().await.unwrap(), <[u8; 32]>::from(Sha256::digest(vec![0; 100 * PIECE])));
    drop((small, bytes));
    assert_eq!(account.used(), 0);
}

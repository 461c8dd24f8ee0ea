//! Response bodies with a deadline, for clients that may stop reading.
//!
//! actix polls a body for its next chunk after the previous one is sent. If the client stops reading, actix stops
//! polling and keeps the body until the connection closes. So large or slow bodies are sent through [`with_deadline`]:
//! at the deadline a timer drops the body with its memory and leases, and polling it again returns an error. The
//! operating system closes the connection if the client acknowledges nothing for too long ([`super::connection`]).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::task::JoinHandle;
use bytes::Bytes;
use futures_util::stream::Stream;

/// The size of a chunk of a body. actix copies each chunk into its own buffer.
pub const CHUNK_SIZE: usize = 64 << 10;

/// How long sending a body may take: as long as computing the response may take, plus one second per MiB.
pub fn send_timeout(response_timeout: Duration, bytes: usize) -> Duration {
    response_timeout + Duration::from_secs((bytes >> 20) as u64)
}

/// The deadline passed before the whole body was sent. The rest was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendTimedOut;

impl std::fmt::Display for SendTimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the client did not read the response in time")
    }
}

impl std::error::Error for SendTimedOut {}

/// A stream that is dropped at its deadline and yields [`SendTimedOut`] from then on.
#[derive(Debug)]
pub struct DeadlineStream<S> {
    /// `None` once the deadline has passed.
    rest: Rc<RefCell<Option<S>>>,
    timer: JoinHandle<()>,
}

/// Limits a stream to `timeout` from now.
pub fn with_deadline<S: 'static>(timeout: Duration, stream: S) -> DeadlineStream<S> {
    let rest = Rc::new(RefCell::new(Some(stream)));
    let late_rest = Rc::clone(&rest);
    let timer = actix_web::rt::spawn(async move {
        tokio::time::sleep(timeout).await;
        let late = late_rest.borrow_mut().take();
        if late.is_some() {
            log::info!("dropped a response: the client did not read it within {} s", timeout.as_secs());
        }
    });
    DeadlineStream { rest, timer }
}

impl<S> Drop for DeadlineStream<S> {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

impl<S: Stream<Item = Bytes> + Unpin> Stream for DeadlineStream<S> {
    type Item = Result<Bytes, SendTimedOut>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.rest.borrow_mut().as_mut() {
            Some(stream) => Pin::new(stream).poll_next(cx).map(|piece| piece.map(Ok)),
            None => Poll::Ready(Some(Err(SendTimedOut))),
        }
    }
}

/// A complete body in chunks of at most [`CHUNK_SIZE`] bytes. Bytes that own a lease
/// ([`leased`](crate::leased_bytes::leased)) return it as soon as they are sent.
#[derive(Debug)]
pub struct Chunks(VecDeque<Bytes>);

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let first = self.0.front_mut()?;
        if first.len() > CHUNK_SIZE {
            return Some(first.split_to(CHUNK_SIZE));
        }
        self.0.pop_front()
    }
}

/// A body of known size, with a deadline.
#[derive(Debug)]
pub struct TimedBody {
    size: u64,
    chunks: DeadlineStream<futures_util::stream::Iter<Chunks>>,
}

impl TimedBody {
    /// A body of these parts in order, which must be sent within `timeout`.
    pub fn new(parts: impl IntoIterator<Item = Bytes>, timeout: Duration) -> TimedBody {
        let parts: VecDeque<Bytes> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let size = parts.iter().map(|part| part.len() as u64).sum();
        TimedBody { size, chunks: with_deadline(timeout, futures_util::stream::iter(Chunks(parts))) }
    }
}

impl MessageBody for TimedBody {
    type Error = SendTimedOut;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendTimedOut>>> {
        Pin::new(&mut self.chunks).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use byoc_account::Account;
    use futures_util::StreamExt as _;

    use super::*;
    use crate::leased_bytes::leased;

    async fn next(body: &mut TimedBody) -> Option<Result<Bytes, SendTimedOut>> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
    }

    #[actix_web::test]
    async fn a_body_is_sent_in_chunks_and_frees_each_part_once_it_is_sent() {
        let account = Account::new(u64::MAX);
        let part = |byte, length: usize| leased(vec![byte; length], account.lease(length as u64).unwrap());
        let parts = [part(1, CHUNK_SIZE + 1), Bytes::new(), part(2, 3)];
        let mut body = TimedBody::new(parts, Duration::from_secs(60));
        assert_eq!(body.size(), BodySize::Sized(CHUNK_SIZE as u64 + 4));
        assert_eq!(account.used(), CHUNK_SIZE as u64 + 4);
        let mut seen = Vec::new();
        for (length, left) in [(CHUNK_SIZE, CHUNK_SIZE as u64 + 4), (1, 3), (3, 0)] {
            let piece = next(&mut body).await.unwrap().unwrap();
            assert_eq!(piece.len(), length);
            seen.extend_from_slice(&piece);
            drop(piece);
            assert_eq!(account.used(), left);
        }
        assert_eq!(next(&mut body).await, None);
        assert_eq!(seen, [vec![1; CHUNK_SIZE + 1], vec![2; 3]].concat());
    }

    #[actix_web::test]
    async fn a_body_is_dropped_at_its_deadline_without_being_polled() {
        let account = Account::new(u64::MAX);
        let part = leased(vec![0; 2 * CHUNK_SIZE], account.lease(2 * CHUNK_SIZE as u64).unwrap());
        let mut body = TimedBody::new([part], Duration::from_millis(10));
        drop(next(&mut body).await);
        while account.used() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(next(&mut body).await, Some(Err(SendTimedOut)));
    }

    #[actix_web::test]
    async fn a_stream_has_a_deadline_too() {
        let mut stream = with_deadline(Duration::from_millis(10), futures_util::stream::pending::<Bytes>());
        let left = Rc::downgrade(&stream.rest);
        while left.upgrade().is_some_and(|left| left.borrow().is_some()) {
            tokio::task::yield_now().await;
        }
        assert_eq!(stream.next().await, Some(Err(SendTimedOut)));
    }

    #[test]
    fn a_large_body_has_more_time() {
        let minute = Duration::from_secs(60);
        assert_eq!(send_timeout(minute, 100), minute);
        assert_eq!(send_timeout(minute, 25 << 20), Duration::from_secs(85));
    }
}

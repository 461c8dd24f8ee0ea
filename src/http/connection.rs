//! One client's connection. It reads in bounded steps, and closes if the client stops acknowledging data.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// After this many bytes, reading pauses (`Pending`), so that actix processes what it has. A request whose body is
/// rejected or not read to its end buffers no more than this.
pub const READ_LIMIT: usize = 16 << 10;

/// A connection and an attached value, which is dropped when the connection closes.
pub(super) struct Connection<A> {
    stream: TcpStream,
    /// Bytes read since the last pause.
    read: usize,
    _attachment: A,
}

impl<A> Connection<A> {
    /// Wraps a connection that has just been accepted.
    ///
    /// Sets TCP_NODELAY, so that the end of a response is sent at once. Otherwise it waits for the client to
    /// acknowledge the bytes before, which Linux delays by 40 ms (man7.org/linux/man-pages/man7/tcp.7.html). On Linux
    /// it also sets TCP_USER_TIMEOUT, which closes the connection if the client acknowledges nothing for
    /// `client_timeout`.
    pub(super) fn open(stream: TcpStream, client_timeout: Duration, attachment: A) -> Connection<A> {
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("TCP_NODELAY could not be set: {error}");
        }
        #[cfg(target_os = "linux")]
        if let Err(error) = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(client_timeout)) {
            log::debug!("TCP_USER_TIMEOUT could not be set: {error}");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = client_timeout;
        Connection { stream, read: 0, _attachment: attachment }
    }
}

impl<A: Unpin> AsyncRead for Connection<A> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.read >= READ_LIMIT {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.read = match polled {
            Poll::Ready(_) => self.read + (buffer.filled().len() - before),
            Poll::Pending => 0,
        };
        polled
    }
}

impl<A: Unpin> AsyncWrite for Connection<A> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[actix_web::test]
    async fn reading_pauses_at_the_limit_and_loses_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = 1 << 20;
        let client = std::thread::spawn(move || {
            std::net::TcpStream::connect(address).unwrap().write_all(&vec![1; sent]).unwrap();
        });
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::open(stream, Duration::from_secs(60), ());
        let mut space = [0; 8 << 10];
        let (mut all, mut in_turn, mut most_in_turn) = (0, 0, 0);
        std::future::poll_fn(|cx| {
            loop {
                let mut buffer = ReadBuf::new(&mut space);
                match Pin::new(&mut connection).poll_read(cx, &mut buffer).map(Result::unwrap) {
                    Poll::Ready(()) if buffer.filled().is_empty() => return Poll::Ready(()),
                    Poll::Ready(()) => in_turn += buffer.filled().len(),
                    Poll::Pending => {
                        most_in_turn = most_in_turn.max(in_turn);
                        all += in_turn;
                        in_turn = 0;
                        return Poll::Pending;
                    }
                }
            }
        })
        .await;
        client.join().unwrap();
        assert_eq!(all + in_turn, sent);
        assert!((READ_LIMIT..READ_LIMIT + space.len()).contains(&most_in_turn), "{most_in_turn}");
    }
}

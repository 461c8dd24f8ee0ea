//! The load generator: kept-alive connections on one thread, each sending a request when its last one is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixtures::Case;

/// What was measured.
pub struct Measured {
    /// Requests a second.
    pub rate: f64,
    /// Median latency, in microseconds.
    pub p50: f64,
    /// The 99th percentile of the latency, in microseconds.
    pub p99: f64,
}

/// Sends a case's request over so many connections for so long, after a short warm-up.
pub fn measure(address: SocketAddr, case: &Case, connections: usize, duration: Duration) -> Measured {
    let request = request(case);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
        let begin = Instant::now() + duration / 5;
        let end = begin + duration;
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::task::spawn_local(one_connection(address, request.clone(), begin, end)))
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.expect("no connection fails"));
        }
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        Measured { rate: latencies.len() as f64 / duration.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }))
}

fn request(case: &Case) -> Vec<u8> {
    let mut request = format!(
        "POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\naccept: {}\r\ncontent-length: {}\r\n\r\n",
        case.content_type,
        case.accept,
        case.body.len()
    )
    .into_bytes();
    request.extend_from_slice(&case.body);
    request
}

async fn one_connection(address: SocketAddr, request: Vec<u8>, begin: Instant, end: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(64 << 10));
    loop {
        let sent = Instant::now();
        stream.write_all(&request).await.expect("the server reads");
        read_answer(&mut stream, &mut buffer).await;
        let answered = Instant::now();
        if answered > end {
            return latencies;
        }
        if sent > begin {
            latencies.push(answered - sent);
        }
    }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let head = loop {
        assert_ne!(stream.read_buf(buffer).await.expect("the server answers"), 0, "the server closed the connection");
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).expect("a plain head");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("a length");
    let whole = head + length.parse::<usize>().expect("a number");
    while buffer.len() < whole {
        assert_ne!(stream.read_buf(buffer).await.expect("the server answers"), 0, "the server closed the connection");
    }
}

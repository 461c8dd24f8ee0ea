//! The load generator: keep-alive connections on one thread. Each sends a request when its previous one is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixtures::Case;

/// The result of a measurement.
pub struct Measured {
    /// Requests per second.
    pub rate: f64,
    /// Median latency, in microseconds.
    pub p50: f64,
    /// The 99th percentile of the latency, in microseconds.
    pub p99: f64,
}

/// Sends a case's request over several connections for `duration`, after a warm-up of a fifth of it.
pub fn measure(address: SocketAddr, case: &Case, connections: usize, duration: Duration) -> Measured {
    let headers = [("content-type", case.content_type), ("accept", case.accept)];
    measure_request(address, request("/invocations", &headers, &case.body), connections, duration)
}

/// Sends a request over several connections for `duration`, after a warm-up of a fifth of it.
pub fn measure_request(address: SocketAddr, request: Vec<u8>, connections: usize, duration: Duration) -> Measured {
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
        measured(latencies, duration)
    }))
}

/// Sends each request once over one connection, in groups, and returns the latencies of the groups.
pub fn measure_each(address: SocketAddr, steps: &[Vec<Vec<u8>>]) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(64 << 10));
        let begin = Instant::now();
        for requests in steps {
            let sent = Instant::now();
            for request in requests {
                stream.write_all(request).await.expect("the server reads");
                read_answer(&mut stream, &mut buffer).await;
            }
            latencies.push(sent.elapsed());
        }
        measured(latencies, begin.elapsed())
    })
}

fn measured(mut latencies: Vec<Duration>, duration: Duration) -> Measured {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Measured { rate: latencies.len() as f64 / duration.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
}

/// A request as it goes over the wire.
pub fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
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

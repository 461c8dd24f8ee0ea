//! A container for tests: it responds as a test tells it to and remembers the requests that it got.
//!
//! It implements HTTP itself, so that it can also hang, announce more than it sends, and hang up.

use std::future::Future;
use std::net::TcpListener;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// The path as on the wire.
    pub path: String,
    /// The query as on the wire, without its `?`.
    pub query: String,
    headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Request {
    /// A header's value by its name in lower case; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether it has this method and path.
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

/// What a container does with a request.
pub enum Reaction {
    /// Responds.
    Respond(HttpResponse),
    /// Announces the whole body, sends half of it and hangs up.
    Half(Vec<u8>),
    /// Hangs up without a response.
    HangUp,
    /// Sends nothing until the client hangs up.
    Hang,
}

impl Reaction {
    /// A response of `text/csv`.
    pub fn csv(status: u16, body: impl Into<Vec<u8>>) -> Reaction {
        Reaction::Respond(response(status).content_type("text/csv").body(body.into()))
    }
}

impl From<HttpResponse> for Reaction {
    fn from(response: HttpResponse) -> Reaction {
        Reaction::Respond(response)
    }
}

/// A container that runs until the tests end.
pub struct FakeContainer {
    /// Where it listens, such as `http://127.0.0.1:40123/`.
    pub origin: Url,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl FakeContainer {
    /// A container on its own port. Each connection has a thread, so that `react` may block.
    ///
    /// # Panics
    /// If there is no free port or no thread.
    pub fn start<F, A>(react: F) -> FakeContainer
    where
        F: Fn(Request) -> A + Clone + Send + 'static,
        A: Future + 'static,
        A::Output: Into<Reaction>,
    {
        let (listener, origin) = listen();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let remembered = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (remembered, react) = (Arc::clone(&remembered), react.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime").block_on(async {
                        stream.set_nonblocking(true).expect("a socket");
                        let stream = TcpStream::from_std(stream).expect("a socket");
                        converse(stream, &remembered, react).await;
                    });
                });
            }
        });
        FakeContainer { origin, seen }
    }

    /// A container that sends the same response to every request.
    pub fn answering(status: u16, content_type: &'static str, body: &'static str) -> FakeContainer {
        FakeContainer::start(move |_| async move { response(status).content_type(content_type).body(body) })
    }

    /// A healthy container of one model. `parameters` is its `/execution-parameters`, if it has any; `react` is called
    /// with the number of each invocation, counted from 0, and its body.
    pub fn with_invocations(
        parameters: Option<&'static str>,
        react: impl Fn(usize, &str) -> Reaction + Send + Sync + 'static,
    ) -> FakeContainer {
        let (react, count) = (Arc::new(react), Arc::new(Mutex::new(0)));
        FakeContainer::start(move |request| {
            let reaction = match (request.path.as_str(), parameters) {
                ("/ping", _) => Reaction::csv(200, ""),
                ("/execution-parameters", Some(parameters)) => Reaction::csv(200, parameters),
                ("/invocations", _) => {
                    let number = {
                        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                        *count += 1;
                        *count - 1
                    };
                    react(number, &request.body)
                }
                _ => Reaction::csv(404, ""),
            };
            std::future::ready(reaction)
        })
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        self.origin.as_str().trim_end_matches('/').to_owned()
    }

    /// All requests so far, in the order in which they came.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bodies of all invocations so far, in the order in which they came.
    pub fn invocation_bodies(&self) -> Vec<String> {
        let invocations = self.seen().into_iter().filter(|request| request.path == "/invocations");
        invocations.map(|request| request.body).collect()
    }

    /// How many requests came with this method and a path that starts with `path`.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.seen().iter().filter(|request| request.method == method && request.path.starts_with(path)).count()
    }
}

/// Builds a response.
///
/// # Panics
/// If the status is not valid.
pub fn response(status: u16) -> actix_web::HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).expect("a status"))
}

/// An address that nothing listens on.
pub fn nowhere() -> Url {
    listen().1
}

/// Writes a model archive with one file.
///
/// # Panics
/// When it cannot be written.
pub fn write_archive(file: &Path, content: &str) {
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let gzip = flate2::write::GzEncoder::new(std::fs::File::create(file).expect("a file"), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "model_algo-1", content.as_bytes()).expect("an entry");
    archive.into_inner().and_then(flate2::write::GzEncoder::finish).expect("an archive");
}

fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, Url::parse(&format!("http://{address}/")).expect("a URL"))
}

/// Serves one connection until one of its ends hangs up.
async fn converse<F, A>(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, react: F)
where
    F: Fn(Request) -> A,
    A: Future,
    A::Output: Into<Reaction>,
{
    let mut input = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut input).await {
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let is_head = request.method == "HEAD";
        let sent = match react(request).await.into() {
            Reaction::Respond(response) => send(&mut stream, response, is_head).await,
            Reaction::Half(body) => {
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body.get(..body.len() / 2).unwrap_or_default()).await;
                return;
            }
            Reaction::HangUp => return,
            Reaction::Hang => {
                let _ = stream.read(&mut [0]).await;
                return;
            }
        };
        if sent.is_none() {
            return;
        }
    }
}

/// Sends a response; nothing if its body or the connection broke.
async fn send(stream: &mut TcpStream, response: HttpResponse, is_head: bool) -> Option<()> {
    let (response, mut body) = response.into_parts();
    let status = response.status();
    let mut head = format!("HTTP/1.1 {} X\r\n", status.as_u16()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    let is_chunked = match body.size() {
        _ if status.is_informational() || matches!(status.as_u16(), 204 | 304) => false,
        _ if response.headers().contains_key(CONTENT_LENGTH) => false,
        BodySize::None => {
            head.extend_from_slice(b"content-length: 0\r\n");
            false
        }
        BodySize::Sized(length) => {
            head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
            false
        }
        BodySize::Stream => {
            head.extend_from_slice(b"transfer-encoding: chunked\r\n");
            true
        }
    };
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await.ok()?;
    if is_head {
        return Some(());
    }
    while let Some(piece) = std::future::poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
        let piece: Bytes = piece.ok()?;
        match is_chunked {
            true if piece.is_empty() => {}
            true => {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.ok()?;
                stream.write_all(&piece).await.ok()?;
                stream.write_all(b"\r\n").await.ok()?;
            }
            false => stream.write_all(&piece).await.ok()?,
        }
    }
    if is_chunked {
        stream.write_all(b"0\r\n\r\n").await.ok()?;
    }
    Some(())
}

/// The next request of a connection, chunked or not; nothing when the client has hung up.
async fn next_request(stream: &mut TcpStream, input: &mut Vec<u8>) -> Option<Request> {
    if input.is_empty() {
        read_more(stream, input).await?;
    }
    if !input.first().is_some_and(u8::is_ascii_alphabetic) {
        // A TLS handshake, perhaps.
        let _ = stream.write_all(b"HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n").await;
        return None;
    }
    let head_end = take_until(stream, input, b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(input.get(..head_end)?).into_owned();
    input.drain(..head_end);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line_end = take_until(stream, input, b"\r\n").await?;
            let length = std::str::from_utf8(input.get(..line_end - 2)?).ok()?;
            let length = usize::from_str_radix(length, 16).ok()?;
            while input.len() < line_end + length + 2 {
                read_more(stream, input).await?;
            }
            body.extend_from_slice(input.get(line_end..line_end + length)?);
            input.drain(..line_end + length + 2);
            if length == 0 {
                break;
            }
        }
    } else {
        let length: usize = value("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while input.len() < length {
            read_more(stream, input).await?;
        }
        body.extend(input.drain(..length));
    }
    let (path, query, body) = (path.to_owned(), query.to_owned(), String::from_utf8_lossy(&body).into_owned());
    Some(Request { method, path, query, headers, body })
}

/// Reads until the input has an `end`, and says how many bytes there are to its end.
async fn take_until(stream: &mut TcpStream, input: &mut Vec<u8>, end: &[u8]) -> Option<usize> {
    loop {
        match input.windows(end.len()).position(|window| window == end) {
            Some(at) => return Some(at + end.len()),
            None => read_more(stream, input).await?,
        }
    }
}

/// Reads more of the input; nothing at its end. A client that pauses for very long has gone.
async fn read_more(stream: &mut TcpStream, input: &mut Vec<u8>) -> Option<()> {
    const PATIENCE: Duration = Duration::from_secs(600);
    let mut buffer = vec![0; 65_536];
    let count = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.ok()?.ok()?;
    input.extend_from_slice(buffer.get(..count).filter(|read| !read.is_empty())?);
    Some(())
}

//! A container for tests: answers what it is told to and remembers what it was asked.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, PayloadConfig, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::Url;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

pub(crate) struct FakeContainer {
    pub(crate) origin: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeContainer {
    /// A container on a port of its own, for as long as the test's runtime lives.
    pub(crate) fn start<F, A>(answer: F) -> FakeContainer
    where
        F: Fn(Seen) -> A + Clone + Send + 'static,
        A: Future<Output = HttpResponse> + 'static,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = Arc::clone(&seen);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let server = HttpServer::new(move || {
            let (remembered, answer) = (Arc::clone(&remembered), answer.clone());
            App::new().app_data(PayloadConfig::new(64 << 20)).default_service(to(
                move |request: HttpRequest, body: Bytes| {
                    let headers = request.headers().iter();
                    let headers =
                        headers.map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
                    let seen = Seen {
                        method: request.method().to_string(),
                        path: request.path().to_owned(),
                        query: request.query_string().to_owned(),
                        headers: headers.collect(),
                        body: String::from_utf8_lossy(&body).into_owned(),
                    };
                    remembered.lock().unwrap().push(seen.clone());
                    answer(seen)
                },
            ))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        actix_web::rt::spawn(server);
        FakeContainer { origin, seen }
    }

    /// A container that answers every request alike.
    pub(crate) fn answering(status: u16, content_type: &'static str, body: &'static str) -> FakeContainer {
        FakeContainer::start(move |_| async move { response(status).content_type(content_type).body(body) })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests came with this method and a path that starts so.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method && seen.path.starts_with(path)).count()
    }
}

pub(crate) fn response(status: u16) -> actix_web::HttpResponseBuilder {
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap())
}

/// An address at which nothing listens.
pub(crate) fn nowhere() -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap()
}

/// A model archive with one file.
pub(crate) fn write_archive(file: &Path, content: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let gzip = flate2::write::GzEncoder::new(std::fs::File::create(file).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "model_algo-1", content.as_bytes()).unwrap();
    archive.into_inner().unwrap().finish().unwrap();
}

//! S3's HTTP over the client that the rest of the program has.
//!
//! The store's crate has one of its own, of the same crate, but only with HTTP/2: that is a third of a megabyte of the image
//! (`h2`), and S3 does not speak it.

use std::error::Error as StdError;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::Url;
use reqwest::redirect::{Action, Attempt, Policy};
use rustls::ClientConfig;

use super::words::{self, Said};
use crate::env::{AWS_ENDPOINT_URL_S3, AWS_REGION};

/// How long a connection may take to be made, and to bring the next bytes.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
pub(super) const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// As many as reqwest follows of its own.
const MOST_REDIRECTS: usize = 10;

/// Makes clients that trust whom these settings of TLS trust.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) tls: ClientConfig,
}

impl HttpConnector for Connector {
    /// `options` say one thing only: whether plain HTTP may be spoken, as it is to metadata services.
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain_http = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let client = reqwest::Client::builder()
            .user_agent(concat!("byoc/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(!plain_http)
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            .redirect(Policy::custom(follow))
            .build();
        let client = client.map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(Connection(client)))
    }
}

/// Follows a redirect that stays where it is: same scheme, host and port. A request has the session's token in a header, which
/// would go along to wherever the answer says, and a signature that is of no use there.
fn follow(attempt: Attempt<'_>) -> Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(Said("it redirects again and again".to_owned()));
    }
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if stays {
        return attempt.follow();
    }
    // Without the query: it may be a signature.
    let to = format!("{}{}", attempt.url().origin().ascii_serialization(), attempt.url().path());
    attempt.error(Said(format!(
        "it redirects to {to}, which is not followed: credentials would go along; the bucket may be of another region \
         than {AWS_REGION} says, or {AWS_ENDPOINT_URL_S3} may have to be that address"
    )))
}

#[derive(Debug)]
struct Connection(reqwest::Client);

impl HttpService for Connection {
    fn call<'life, 'future>(&'life self, request: HttpRequest) -> BoxFuture<'future, Result<HttpResponse, HttpError>>
    where
        'life: 'future,
    {
        Box::pin(async {
            let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap));
            let request = request.map_err(|error| failed(&error, None))?;
            let url = request.url().clone();
            let response = self.0.execute(request).await.map_err(|error| failed(&error, Some(&url)))?;
            let response = http::Response::<reqwest::Body>::from(response);
            Ok(response.map(|body| HttpResponseBody::new(body.map_err(move |error| failed(&error, Some(&url))))))
        })
    }
}

/// What went wrong: for who reads it, and of the kind by which the store decides whether to try again.
fn failed(error: &reqwest::Error, url: Option<&Url>) -> HttpError {
    let mut sources = std::iter::successors(error.source(), |&error| error.source());
    if let Some(said) = sources.find_map(|error| error.downcast_ref::<Said>()) {
        // Of no kind that is tried again.
        return HttpError::new(HttpErrorKind::Unknown, said.clone());
    }
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else if let Some(kind) = broken_off(error) {
        kind
    } else if error.is_request() {
        // The connection was closed before an answer had come.
        HttpErrorKind::Request
    } else if error.is_body() {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    };
    HttpError::new(kind, words::of_exchange(error, error.url().or(url)))
}

/// What the operating system says of the connection, if it says something.
fn broken_off(error: &reqwest::Error) -> Option<HttpErrorKind> {
    use std::io::ErrorKind;
    std::iter::successors(error.source(), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .find_map(|error| match error.kind() {
            ErrorKind::TimedOut => Some(HttpErrorKind::Timeout),
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(HttpErrorKind::Interrupted),
            _ => None,
        })
}

//! The HTTP client for S3. It adds two things to object_store's client: it does not follow redirects to other hosts,
//! and its errors name the server.

use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::header::LOCATION;
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, StatusCode, Url};
use rustls::ClientConfig;

use crate::env::{AWS_ENDPOINT_URL_S3, AWS_REGION};
use crate::http::dns::SystemResolver;
use crate::http::exchange_error::{CONNECT_TIMEOUT, ExchangeError, READ_TIMEOUT};

/// reqwest's default.
const MAX_REDIRECTS: usize = 10;

/// Creates clients with this TLS configuration.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) tls: ClientConfig,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // object_store sets this option for S3 at an http:// endpoint and for metadata services.
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let client = Client::builder()
            .user_agent(concat!("byoc/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.clone())
            .http1_only()
            .https_only(!allow_http)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .dns_resolver(SystemResolver)
            .redirect(Policy::custom(follow_on_same_host))
            .build()
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(ExplainingClient(client)))
    }
}

/// Follows redirects only to the same scheme, host and port: requests carry the session token in a header, which must
/// not be sent to another server.
fn follow_on_same_host(attempt: Attempt<'_>) -> Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(ExchangeError::new("the server redirects too many times".to_owned()));
    }
    if attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin()) {
        return attempt.follow();
    }
    // Without the query, which may be a signature.
    let to = format!("{}{}", attempt.url().origin().ascii_serialization(), attempt.url().path());
    attempt.error(ExchangeError::new(format!(
        "the server redirects to {to}, which is not followed because the credentials would be sent there; check that \
         {AWS_REGION} is the bucket's region, or set {AWS_ENDPOINT_URL_S3} to that address"
    )))
}

/// Adds the server's name to the errors of object_store's client. Only here both the error and the URL are known:
/// object_store strips the URL from its errors and keeps their types private.
#[derive(Debug)]
struct ExplainingClient(Client);

impl HttpService for ExplainingClient {
    fn call<'life, 'future>(&'life self, request: HttpRequest) -> BoxFuture<'future, Result<HttpResponse, HttpError>>
    where
        'life: 'future,
    {
        Box::pin(async {
            let url: Option<Url> = request.uri().to_string().parse().ok();
            let explain =
                move |error: HttpError| HttpError::new(error.kind(), ExchangeError::explain(&error, url.as_ref()));
            let response = HttpService::call(&self.0, request).await.map_err(&explain)?;
            if is_redirect(response.status()) && !response.headers().contains_key(LOCATION) {
                return Err(HttpError::new(HttpErrorKind::Unknown, wrong_region()));
            }
            Ok(response.map(|body| HttpResponseBody::new(body.map_err(explain))))
        })
    }
}

fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// S3 redirects without a Location header if the bucket is in another region
/// (docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html).
fn wrong_region() -> ExchangeError {
    ExchangeError::new(format!("the bucket is in another region than {AWS_REGION} says: set it to the bucket's region"))
}

//! What a container answers to: one function a path.
//!
//! Sources: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html,
//! docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html and multi-model-server itself (`contract.md` §11).

use std::borrow::Cow;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use byoc_account::{Exceeded, Purpose};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::container::background;
use crate::container::body::Body;
use crate::container::config::{Batch, BatchStrategy};
use crate::container::counters::{self, Route};
use crate::container::request_id::RequestId;
use crate::container::respond;
use crate::container::services::{SINGLE_MODEL, Services};
use crate::error::{Cause, Error, Result};
use crate::in_flight::leased;
use crate::telemetry;

/// `GET /ping` of a single model: 503 until it is in memory, then 200.
pub(super) async fn ping_single(id: RequestId, services: Data<Services>) -> HttpResponse {
    match services.single.get() {
        Some(_) => HttpResponse::Ok().finish(),
        None => respond::error(&Error::new(Cause::Unavailable, "Models are not loaded"), &id),
    }
}

/// `GET /ping` of a multi-model container: 200, with or without models.
pub(super) async fn ping_multi() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// `GET /metrics`, which SageMaker may scrape.
pub(super) async fn metrics(services: Data<Services>) -> HttpResponse {
    counters::gauge_models(&services);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(telemetry::metrics::render())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExecutionParameters {
    max_concurrent_transforms: usize,
    batch_strategy: BatchStrategy,
    #[serde(rename = "MaxPayloadInMB")]
    max_payload_in_mb: usize,
}

/// The batch service multiplies the two and takes no more than this
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MOST_CONCURRENT_MEGABYTES: usize = 100;
/// What is wished for where the job says nothing: the service's own default. It is enough to keep a worker busy for some
/// hundredths of a second, so that larger requests would be no faster, and an error in one is answered with its row.
const WISHED_MEGABYTES: usize = 6;

/// `GET /execution-parameters`: what a batch transform job should send at once; what it was told it says again.
pub(super) async fn execution_parameters(id: RequestId, services: Data<Services>) -> HttpResponse {
    let Batch { max_payload_in_mb, strategy, max_concurrent } = services.batch.unwrap_or_default();
    let max_payload_in_mb = match max_payload_in_mb.and_then(|megabytes| usize::try_from(megabytes).ok()) {
        Some(megabytes) => megabytes,
        None => (services.max_request_bytes >> 20).clamp(1, WISHED_MEGABYTES),
    };
    let parameters = ExecutionParameters {
        max_concurrent_transforms: max_concurrent
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or_else(|| services.parallel.clamp(1, MOST_CONCURRENT_MEGABYTES / max_payload_in_mb.max(1))),
        batch_strategy: strategy.unwrap_or(BatchStrategy::MultiRecord),
        max_payload_in_mb,
    };
    respond::json(StatusCode::OK, &parameters, &id)
}

/// `POST /invocations` of a single model.
pub(super) async fn invocations(request: HttpRequest, body: Body, services: Data<Services>) -> HttpResponse {
    let Some(loaded) = services.single.get() else {
        return respond::error(&Error::new(Cause::Unavailable, "Models are not loaded"), &RequestId::of(&request));
    };
    invoke(&services, SINGLE_MODEL, std::sync::Arc::clone(loaded), &request, body).await
}

/// `POST /invocations` of a multi-model container, which does not say which model.
pub(super) async fn invocations_without_model(id: RequestId) -> HttpResponse {
    respond::error(&Error::new(Cause::BadRequest, "Parameter model_name is required."), &id)
}

/// Everything below `/models/`: a model's name, which may hold any character once percent-decoded, and what to do with it.
///
/// The path is taken as it came, before decoding, so that an encoded slash stays part of a name.
pub(super) async fn model(request: HttpRequest, body: Body, services: Data<Services>) -> HttpResponse {
    let raw = request.uri().path().strip_prefix("/models/").unwrap_or_default();
    if let Some(raw_name) = raw.strip_suffix("/invoke").filter(|name| !name.is_empty()) {
        if request.method() != Method::POST {
            return respond::wrong_method(RequestId::of(&request)).await;
        }
        return match decode(raw_name).and_then(|name| services.registry.get(&name).map(|loaded| (name, loaded))) {
            Ok((name, loaded)) => invoke(&services, &name, loaded, &request, body).await,
            Err(error) => counters::finished(Route::Invocation, respond::error(&error, &RequestId::of(&request)), None),
        };
    }
    let id = RequestId::of(&request);
    let name = match decode(raw) {
        Ok(name) if !name.is_empty() => name,
        Ok(_) => return respond::unknown_path(id).await,
        Err(error) => return respond::error(&error, &id),
    };
    match *request.method() {
        Method::GET => match services.registry.get(&name) {
            Ok(loaded) => respond::json(StatusCode::OK, &Described { model_name: &name, model_url: &loaded.url }, &id),
            Err(error) => respond::error(&error, &id),
        },
        Method::DELETE => match services.registry.unload(&name).await {
            Ok(()) => {
                log::info!("unloaded model {name}");
                let done = respond::status(&format!("Model \"{name}\" unregistered"), &id);
                counters::finished(Route::Unload, done, None)
            }
            Err(error) => counters::finished(Route::Unload, respond::error(&error, &id), None),
        },
        _ => respond::wrong_method(id).await,
    }
}

fn decode(raw: &str) -> Result<Cow<'_, str>> {
    percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| Error::new(Cause::BadRequest, format!("model name {raw:?} is not UTF-8 once percent-decoded")))
}

async fn invoke(
    services: &Services,
    name: &str,
    loaded: std::sync::Arc<crate::container::registry::Loaded>,
    request: &HttpRequest,
    body: Body,
) -> HttpResponse {
    let started = std::time::Instant::now();
    let answer = match body.0 {
        Ok(body) => {
            let (content_type, accept) = (text_header(request, &CONTENT_TYPE), text_header(request, &ACCEPT));
            match (content_type, accept) {
                (Ok(content_type), Ok(accept)) => services.invoke(name, loaded, content_type, accept, body).await,
                (Err(error), _) | (_, Err(error)) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    let response = match answer {
        Ok(reply) => {
            if log::log_enabled!(log::Level::Debug) {
                log::debug!("request {}: 200 by model {name}", RequestId::of(request));
            }
            respond::reply(reply, services.timeout)
        }
        Err(error) => respond::error(&error, &RequestId::of(request)),
    };
    counters::finished(Route::Invocation, response, Some(started))
}

/// A header that should be text. Several of one name are one list.
pub(super) fn text_header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Result<Option<&'a str>> {
    request
        .headers()
        .get(name)
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| Error::new(Cause::BadRequest, format!("header {name} is not plain text: expected visible ASCII")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    model_name: &'a str,
    model_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    models: Vec<Described<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Paging {
    limit: Option<i64>,
    next_page_token: Option<String>,
}

/// multi-model-server's page size, also where a caller asks for more, or for less than nothing.
const PAGE: usize = 100;

/// `GET /models`: what is loaded, sorted by name. The token is the number of models before the page.
pub(super) async fn list(
    id: RequestId,
    services: Data<Services>,
    paging: Result<web::Query<Paging>, actix_web::Error>,
) -> HttpResponse {
    let paging = match paging {
        Ok(paging) => paging.into_inner(),
        Err(error) => return respond::error(&Error::new(Cause::BadRequest, error.to_string()), &id),
    };
    let limit =
        paging.limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit <= PAGE).unwrap_or(PAGE);
    let offset = match paging.next_page_token.as_deref().map(str::parse::<i64>) {
        None => 0,
        Some(Ok(offset)) => usize::try_from(offset).unwrap_or(0),
        Some(Err(_)) => {
            let token = paging.next_page_token.unwrap_or_default();
            let message = format!("next_page_token {token:?} is not one that this server gave");
            return respond::error(&Error::new(Cause::BadRequest, message), &id);
        }
    };
    // With very many models it takes longer than an event loop may.
    let shared = services.clone();
    let listed = background::run(move || page(&shared, offset, limit.max(1))).await;
    match listed {
        Ok(Ok(page)) => respond::leased_json(page, services.timeout, &id),
        Ok(Err(error)) => respond::error(&error, &id),
        Err(error) => respond::error(&Error::new(Cause::Internal, format!("listing did not finish: {error}")), &id),
    }
}

/// The text of a page, and the memory that it takes until it is sent.
fn page(services: &Services, offset: usize, limit: usize) -> Result<Bytes> {
    let page = services.registry.page(offset, limit);
    // Characters of control are six in JSON; beside each name and url stand their keys.
    let most = page.models.iter().map(|(name, url)| 6 * (name.len() + url.len()) + 64).sum::<usize>() + 64;
    let lease = services.accounts.requests.lease(most as u64);
    let lease = lease.map_err(|shortage| Exceeded::NotNow(Purpose::Answer, shortage))?;
    let models = page.models.iter().map(|(name, url)| Described { model_name: name, model_url: url }).collect();
    let listed = Listed { next_page_token: page.next.map(|next| next.to_string()), models };
    Ok(leased(respond::pretty(&listed)?, lease))
}

#[derive(Default, Deserialize)]
#[serde(expecting = "an object with model_name and url")]
pub(super) struct LoadRequest {
    model_name: Option<String>,
    url: Option<String>,
}

/// `POST /models`: loads a model that the platform has unpacked.
pub(super) async fn load(
    id: RequestId,
    query: Result<web::Query<LoadRequest>, actix_web::Error>,
    body: Body,
    services: Data<Services>,
) -> HttpResponse {
    let started = std::time::Instant::now();
    let loaded = match load_request(query, body) {
        Ok((name, url)) => {
            let (registry, root) = (std::sync::Arc::clone(&services.registry), services.models_root.clone());
            let request = id.clone();
            // Loading reads files: it blocks a thread that is there for that, not one that answers. It goes on to its
            // end even where the caller goes away, so a slot is never left half full.
            let loading = background::run(move || {
                let loaded = root.check(&url).and_then(|()| registry.load(&name, &url));
                let loaded = loaded
                    .inspect_err(|error| {
                        log::warn!("request {request}: model {name} was not loaded from {url}: {error}")
                    })
                    .inspect(|loaded| {
                        let elapsed = started.elapsed();
                        log::info!("loaded model {name} from {url}: {} bytes in {elapsed:.1?}", loaded.bytes());
                        if let Some(refusal) = loaded.model.refusal() {
                            log::warn!("request {request}: every request to model {name} will be refused: {refusal}");
                        }
                        if let Some(assumption) = loaded.model.assumption() {
                            log::warn!("request {request}: model {name}: {assumption}");
                        }
                    });
                loaded.map_err(|error| root.told(error, &url))
            });
            match loading.await {
                Ok(loaded) => loaded,
                Err(error) => Err(Error::new(Cause::Internal, format!("loading did not finish: {error}"))),
            }
        }
        Err(error) => Err(error),
    };
    let response = match loaded {
        Ok(_) => respond::status("Workers scaled", &id),
        Err(error) => respond::error(&error, &id),
    };
    counters::finished(Route::Load, response, Some(started))
}

/// The longest name of a model, which is a hash of 32 characters on the platform, and the longest path that Linux has
/// (PATH_MAX): both are held for as long as the model is loaded, and listed.
const LONGEST_NAME: usize = 1024;
const LONGEST_URL: usize = 4096;

/// A name and a url with room to spare; the event loop parses it.
const MOST_OF_A_LOAD: usize = 64 << 10;

/// Name and url from a JSON body, or from the query where there is none, as multi-model-server takes them.
fn load_request(query: Result<web::Query<LoadRequest>, actix_web::Error>, body: Body) -> Result<(String, String)> {
    let body = body.0.map_err(|error| {
        let cause = if error.cause() == Cause::BadPayload { Cause::BadRequest } else { error.cause() };
        error.because(cause)
    })?;
    if body.len() > MOST_OF_A_LOAD {
        let message = format!(
            "a request to load a model has its name and its url: expected at most {MOST_OF_A_LOAD} bytes, found {}",
            body.len()
        );
        return Err(Error::new(Cause::PayloadTooLarge, message));
    }
    let parameters = if body.iter().all(u8::is_ascii_whitespace) {
        query.map(web::Query::into_inner).map_err(|error| Error::new(Cause::BadRequest, error.to_string()))?
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            Error::new(
                Cause::BadRequest,
                format!("expected a JSON object such as {{\"model_name\": \"m\", \"url\": \"/opt/ml/models/m/model\"}}: {error}"),
            )
        })?
    };
    let required = |name: &str, value: Option<String>| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Error::new(Cause::BadRequest, format!("Parameter {name} is required.")))
    };
    let url = required("url", parameters.url)?;
    let name = required("model_name", parameters.model_name)?;
    for (what, text, longest) in [("url", &url, LONGEST_URL), ("model_name", &name, LONGEST_NAME)] {
        if text.len() > longest {
            let message = format!("expected a {what} of at most {longest} bytes, found {}", text.len());
            return Err(Error::new(Cause::BadRequest, message));
        }
    }
    if !std::path::Path::new(&url).is_absolute() {
        return Err(Error::new(Cause::BadRequest, format!("Relative path is not allowed in url: {url}")));
    }
    Ok((name, url))
}

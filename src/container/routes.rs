//! The routes of a container: one function for each path.
//!
//! Sources: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html,
//! docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html and
//! github.com/awslabs/multi-model-server at 706aa9c7.

use std::borrow::Cow;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use byoc_account::{Exceeded, Purpose};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::container::background;
use crate::container::body::Body;
use crate::container::config::Batch;
use crate::container::counters::{self, Route};
use crate::container::query::Query;
use crate::container::registry::SINGLE_MODEL;
use crate::container::request_id::RequestId;
use crate::container::respond;
use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::http::list_header::list_header;
use crate::leased_bytes::leased;
use crate::platform::batch_strategy::BatchStrategy;
use crate::telemetry;

/// `GET /ping` in single-model mode: 503 until the model is loaded, then 200.
pub(super) async fn ping_single(id: RequestId, services: Data<Services>) -> HttpResponse {
    match services.single_model.get() {
        Some(_) => HttpResponse::Ok().finish(),
        None => respond::error(&Error::new(Cause::Unavailable, "Models are not loaded"), &id),
    }
}

/// `GET /ping` in multi-model mode: always 200.
pub(super) async fn ping_multi() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// `GET /metrics`, which SageMaker may scrape.
pub(super) async fn metrics(services: Data<Services>) -> HttpResponse {
    counters::update_gauges(&services);
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

/// SageMaker's limit on MaxConcurrentTransforms × MaxPayloadInMB
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MAX_CONCURRENT_MEGABYTES: usize = 100;
/// The payload size if the job does not set one: SageMaker's default. Such a payload keeps a worker busy for some
/// hundredths of a second, so larger ones would be no faster.
const DEFAULT_PAYLOAD_MEGABYTES: usize = 6;

/// `GET /execution-parameters`: the settings that a batch transform job should use. Values that the job sets are
/// repeated.
pub(super) async fn execution_parameters(id: RequestId, services: Data<Services>) -> HttpResponse {
    let Batch { max_payload_in_mb, strategy, max_concurrent } = services.batch.unwrap_or_default();
    let max_payload_in_mb = match max_payload_in_mb.and_then(|megabytes| usize::try_from(megabytes).ok()) {
        Some(megabytes) => megabytes,
        None => (services.max_request_bytes >> 20).clamp(1, DEFAULT_PAYLOAD_MEGABYTES),
    };
    let parameters = ExecutionParameters {
        max_concurrent_transforms: max_concurrent
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or_else(|| services.max_concurrent.clamp(1, MAX_CONCURRENT_MEGABYTES / max_payload_in_mb.max(1))),
        batch_strategy: strategy.unwrap_or(BatchStrategy::MultiRecord),
        max_payload_in_mb,
    };
    respond::json(StatusCode::OK, &parameters, &id)
}

/// `POST /invocations` in single-model mode.
pub(super) async fn invocations(request: HttpRequest, body: Body, services: Data<Services>) -> HttpResponse {
    let Some(loaded) = services.single_model.get() else {
        return respond::error(&Error::new(Cause::Unavailable, "Models are not loaded"), &RequestId::of(&request));
    };
    invoke(&services, SINGLE_MODEL, std::sync::Arc::clone(loaded), &request, body).await
}

/// The query of a request whose path does not name the model.
#[derive(Deserialize)]
pub(super) struct ModelQuery {
    model_name: Option<String>,
}

/// `POST /invocations` in multi-model mode: as in multi-model-server, the query names the model.
pub(super) async fn invocations_by_query(
    request: HttpRequest,
    query: Result<web::Query<ModelQuery>, actix_web::Error>,
    body: Body,
    services: Data<Services>,
) -> HttpResponse {
    let name = query.ok().and_then(|query| query.into_inner().model_name).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::new(Cause::BadRequest, "Parameter model_name is required."));
    match name.and_then(|name| services.registry.get(&name).map(|loaded| (name, loaded))) {
        Ok((name, loaded)) => invoke(&services, &name, loaded, &request, body).await,
        Err(error) => {
            counters::count_response(Route::Invocation, respond::error(&error, &RequestId::of(&request)), None)
        }
    }
}

/// All routes below `/models/`: `/models/NAME` and `/models/NAME/invoke`.
///
/// The path is split before it is percent-decoded, so a name may contain any character, including an encoded slash.
pub(super) async fn model(request: HttpRequest, body: Body, services: Data<Services>) -> HttpResponse {
    let raw = request.uri().path().strip_prefix("/models/").unwrap_or_default();
    if let Some(raw_name) = raw.strip_suffix("/invoke").filter(|name| !name.is_empty()) {
        if request.method() != Method::POST {
            return respond::wrong_method(RequestId::of(&request)).await;
        }
        return match decode(raw_name).and_then(|name| services.registry.get(&name).map(|loaded| (name, loaded))) {
            Ok((name, loaded)) => invoke(&services, &name, loaded, &request, body).await,
            Err(error) => {
                counters::count_response(Route::Invocation, respond::error(&error, &RequestId::of(&request)), None)
            }
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
            Ok(loaded) => {
                respond::json(StatusCode::OK, &ModelDescription { model_name: &name, model_url: &loaded.url }, &id)
            }
            Err(error) => respond::error(&error, &id),
        },
        Method::DELETE => match services.registry.unload(&name).await {
            Ok(()) => {
                log::info!("unloaded model {name}");
                let done = respond::status(StatusCode::OK, &format!("Model \"{name}\" unregistered"), &id);
                counters::count_response(Route::Unload, done, None)
            }
            Err(error) => counters::count_response(Route::Unload, respond::error(&error, &id), None),
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
    loaded: std::sync::Arc<crate::container::registry::LoadedModel>,
    request: &HttpRequest,
    body: Body,
) -> HttpResponse {
    let started = std::time::Instant::now();
    let answer = match body.0 {
        Ok(body) => match (text_header(request, &CONTENT_TYPE), accept(request)) {
            (Ok(content_type), Ok(accept)) => {
                services.invoke(name, loaded, content_type, accept.as_deref(), body).await
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
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
    counters::count_response(Route::Invocation, response, Some(started))
}

/// A header with a single value, as text.
///
/// # Errors
/// [`Cause::BadRequest`] if it contains anything but visible ASCII, or comes in several lines.
pub(super) fn text_header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Result<Option<&'a str>> {
    if request.headers().get_all(name).nth(1).is_some() {
        return Err(Error::new(Cause::BadRequest, format!("Header {name} is given more than once; give it once")));
    }
    request.headers().get(name).map(HeaderValue::to_str).transpose().map_err(|_| not_ascii(name))
}

/// The Accept header as text. Several header lines are joined into one list.
///
/// # Errors
/// [`Cause::BadRequest`] if it contains anything but visible ASCII.
pub(super) fn accept(request: &HttpRequest) -> Result<Option<Cow<'_, str>>> {
    let visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    match list_header(request.headers(), ACCEPT) {
        None => Ok(None),
        Some(list) if !list.iter().all(visible) => Err(not_ascii(&ACCEPT)),
        Some(Cow::Borrowed(line)) => Ok(Some(String::from_utf8_lossy(line))),
        Some(Cow::Owned(lines)) => Ok(Some(Cow::Owned(String::from_utf8_lossy(&lines).into_owned()))),
    }
}

fn not_ascii(name: &HeaderName) -> Error {
    Error::new(Cause::BadRequest, format!("header {name} is not plain text: expected visible ASCII"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelDescription<'a> {
    model_name: &'a str,
    model_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelList<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    models: Vec<ModelDescription<'a>>,
}

/// multi-model-server's page size. It is also used if the caller asks for a larger page or a negative size.
const MAX_PAGE_SIZE: usize = 100;

/// `GET /models`: the loaded models, sorted by name. The token is the number of models before the page.
pub(super) async fn list(request: HttpRequest, id: RequestId, services: Data<Services>) -> HttpResponse {
    let paging = Query::parse(request.query_string())
        .and_then(|query| Ok((query.whole_number("limit")?, query.text("next_page_token"))));
    let (limit, token) = match paging {
        Ok(paging) => paging,
        Err(error) => return respond::error(&error, &id),
    };
    let limit = limit
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit <= MAX_PAGE_SIZE)
        .unwrap_or(MAX_PAGE_SIZE);
    let offset = match token.as_deref().map(str::parse::<i64>) {
        None => 0,
        Some(Ok(offset)) => usize::try_from(offset).unwrap_or(0),
        Some(Err(_)) => {
            let token = token.unwrap_or_default();
            let message = format!("next_page_token {token:?} was not issued by this server");
            return respond::error(&Error::new(Cause::BadRequest, message), &id);
        }
    };
    // With very many models, this would block the event loop for too long.
    let shared = services.clone();
    let listed = background::spawn(move || page(&shared, offset, limit.max(1))).await;
    match listed {
        Ok(Ok(page)) => respond::leased_json(page, services.timeout, &id),
        Ok(Err(error)) => respond::error(&error, &id),
        Err(error) => respond::error(&Error::new(Cause::Internal, "listing did not finish").caused_by(error), &id),
    }
}

/// The JSON text of a page. Its memory stays leased until it is sent.
fn page(services: &Services, offset: usize, limit: usize) -> Result<Bytes> {
    let page = services.registry.page(offset, limit);
    // JSON writes a control character in six bytes; 64 bytes are for the keys of each model.
    let most = page.models.iter().map(|(name, url)| 6 * (name.len() + url.len()) + 64).sum::<usize>() + 64;
    let lease = services.accounts.requests.lease(most as u64);
    let lease = lease.map_err(|shortage| Exceeded::NotNow(Purpose::Answer, shortage))?;
    let models = page.models.iter().map(|(name, url)| ModelDescription { model_name: name, model_url: url }).collect();
    let listed = ModelList { next_page_token: page.next.map(|next| next.to_string()), models };
    Ok(leased(respond::pretty(&listed)?, lease))
}

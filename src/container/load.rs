//! `POST /models`, with multi-model-server's parameters, order of checks and responses (`ManagementRequestHandler` and
//! `ModelArchive` of github.com/awslabs/multi-model-server at 706aa9c7).

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::container::background;
use crate::container::body::Body;
use crate::container::counters::{self, Route};
use crate::container::query::Query;
use crate::container::registry::PendingLoad;
use crate::container::request_id::RequestId;
use crate::container::respond;
use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::model::NamedPath;
use byoc_formats::error::chain;
use byoc_formats::json_document;

/// The parameters of a load. multi-model-server's other parameters configure its workers and are ignored.
#[derive(Default, Deserialize)]
pub(super) struct Parameters {
    model_name: Option<String>,
    url: Option<String>,
    runtime: Option<String>,
    initial_workers: Option<i64>,
    synchronous: Option<bool>,
}

/// A valid request to load a model.
#[derive(Debug)]
struct LoadRequest {
    name: String,
    url: String,
    answer: LoadResponse,
}

/// The response to a successful load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadResponse {
    /// `Workers scaled`, once the model is in memory.
    Scaled,
    /// `Model "m" registered`, also once it is in memory: the response if `initial_workers` is 0.
    Registered,
    /// `Processing worker updates...`, as soon as the model is found. The result of loading is in the log.
    Processing,
}

/// `POST /models`: loads a model that SageMaker has unpacked.
pub(super) async fn load(request: HttpRequest, id: RequestId, body: Body, services: Data<Services>) -> HttpResponse {
    let started = Instant::now();
    let response = match answer(&request, &id, body, &services, started).await {
        Ok(response) => response,
        Err(error) => respond::error(&error, &id),
    };
    counters::count_response(Route::Load, response, Some(started))
}

async fn answer(
    request: &HttpRequest,
    id: &RequestId,
    body: Body,
    services: &Services,
    started: Instant,
) -> Result<HttpResponse> {
    let is_json =
        request.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let LoadRequest { name, url, answer } = parameters(request.query_string(), body, is_json)?.check()?;
    let (registry, root) = (Arc::clone(&services.registry), services.models_root.clone());
    let name_in_response = name.clone();
    let log_id = id.clone();
    // Loading blocks, so it runs on a background thread. It continues even if the client disconnects.
    let begin = move || {
        let pending = root.check(&url).and_then(|()| registry.begin(&name, &NamedPath::new(&url)));
        let failed = move |error: Error| {
            log::warn!("request {log_id}: model {name} was not loaded from {url}: {}", chain(&error));
            root.redact(error, &url)
        };
        match pending {
            Ok(loading) => Ok((loading, failed)),
            Err(error) => Err(failed(error)),
        }
    };
    let log_id = id.clone();
    let finish = move |(loading, failed): (PendingLoad, _)| finish(loading, started, &log_id).map_err(failed);
    if answer == LoadResponse::Processing {
        let pending = finished(background::spawn(begin).await)?;
        // Loading continues although its handle is dropped.
        drop(background::spawn(move || finish(pending)));
        return Ok(respond::status(StatusCode::ACCEPTED, "Processing worker updates...", id));
    }
    finished(background::spawn(move || begin().and_then(finish)).await)?;
    Ok(match answer {
        LoadResponse::Registered => {
            respond::status(StatusCode::OK, &format!("Model \"{name_in_response}\" registered"), id)
        }
        LoadResponse::Scaled | LoadResponse::Processing => respond::status(StatusCode::OK, "Workers scaled", id),
    })
}

/// Loads the model, and logs its size and warnings about it.
fn finish(loading: PendingLoad, started: Instant, request: &RequestId) -> Result<()> {
    let (name, url) = (loading.name().to_owned(), loading.url().to_owned());
    let loaded = loading.finish()?;
    log::info!("loaded model {name} from {url}: {} bytes in {:.1?}", loaded.bytes(), started.elapsed());
    if let Some(refusal) = loaded.model.refusal() {
        log::warn!("request {request}: every request to model {name} will be refused: {refusal}");
    }
    for assumption in loaded.model.assumptions() {
        log::warn!("request {request}: model {name}: {assumption}");
    }
    Ok(())
}

fn finished<T>(ended: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    ended.map_err(|error| Error::new(Cause::Internal, "loading did not finish").caused_by(error))?
}

/// The longest name of a model, in bytes. SageMaker's names are hashes of 32 characters.
const MAX_NAME_BYTES: usize = 1024;
/// The longest URL, in bytes: Linux' longest path (PATH_MAX).
const MAX_URL_BYTES: usize = 4096;

/// The largest body of a load, in bytes: more than enough for a name and a URL. It is small because the event loop
/// parses it.
const MAX_BODY_BYTES: usize = 64 << 10;

/// The parameters, from a JSON body; or from the query if there is no body or it has another media type.
fn parameters(query: &str, body: Body, is_json: bool) -> Result<Parameters> {
    let body = body.0.map_err(|error| {
        let cause = if error.cause() == Cause::BadPayload { Cause::BadRequest } else { error.cause() };
        error.because(cause)
    })?;
    if body.len() > MAX_BODY_BYTES {
        let message =
            format!("expected at most {MAX_BODY_BYTES} bytes in a request to load a model, found {}", body.len());
        return Err(Error::new(Cause::PayloadTooLarge, message));
    }
    let query = Query::parse(query).and_then(|query| Parameters::from_query(&query));
    let is_in_query = !is_json && query.as_ref().is_ok_and(|query| query.url.is_some());
    if is_in_query || body.iter().all(u8::is_ascii_whitespace) {
        return query;
    }
    const EXPECTED: &str = "a JSON object such as {\"model_name\": \"m\", \"url\": \"/opt/ml/models/m/model\"}";
    json_document::parse(&body, EXPECTED, byoc_formats::error::Cause::BadSetting)
        .map_err(|error| Error::from(error).because(Cause::BadRequest))
}

/// The values of `runtime` that multi-model-server accepts.
const RUNTIMES: [&str; 3] = ["python", "python2", "python3"];

impl Parameters {
    fn from_query(query: &Query<'_>) -> Result<Parameters> {
        Ok(Parameters {
            model_name: query.text("model_name"),
            url: query.text("url"),
            runtime: query.text("runtime"),
            initial_workers: query.whole_number("initial_workers")?,
            synchronous: query.boolean("synchronous")?,
        })
    }

    fn check(self) -> Result<LoadRequest> {
        let required = |name: &str| Error::new(Cause::BadRequest, format!("Parameter {name} is required."));
        let url = self.url.ok_or_else(|| required("url"))?;
        if let Some(runtime) = self.runtime.filter(|runtime| !RUNTIMES.contains(&runtime.as_str())) {
            return Err(Error::new(Cause::BadRequest, format!("Invalid RuntimeType value: {runtime}")));
        }
        check_length("url", &url, MAX_URL_BYTES)?;
        check_url(&url)?;
        let name = self.model_name.filter(|name| !name.is_empty()).ok_or_else(|| required("model_name"))?;
        check_length("model_name", &name, MAX_NAME_BYTES)?;
        let answer = match (self.initial_workers, self.synchronous) {
            (Some(..=0), _) => LoadResponse::Registered,
            (_, Some(false)) => LoadResponse::Processing,
            _ => LoadResponse::Scaled,
        };
        Ok(LoadRequest { name, url, answer })
    }
}

fn check_length(what: &str, text: &str, longest: usize) -> Result<()> {
    if text.len() <= longest {
        return Ok(());
    }
    let message = format!("expected a {what} of at most {longest} bytes, found {}", text.len());
    Err(Error::new(Cause::BadRequest, message))
}

/// Accepts only an absolute path. multi-model-server looks up a relative path in its model store, which does not exist
/// here; SageMaker sends absolute paths only.
fn check_url(url: &str) -> Result<()> {
    let refused = |cause, message: String| Err(Error::new(cause, message));
    if let Some((scheme, _)) = url.split_once("://") {
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            let message = format!("Model not found in model store: {url}: Invalid model url: {url}");
            return refused(Cause::ModelNotFound, message);
        }
        return match reqwest::Url::parse(url) {
            // This container downloads nothing.
            Ok(_) => refused(Cause::NotDownloaded, format!("Failed to download model from: {url}")),
            Err(_) => refused(Cause::ModelNotFound, format!("Invalid model url: {url}")),
        };
    }
    let path = Path::new(url);
    if path.components().any(|component| component == std::path::Component::ParentDir) {
        return refused(Cause::ModelNotFound, format!("Relative path is not allowed in url: {url}"));
    }
    if url.is_empty() {
        return refused(Cause::ModelNotFound, format!("Model not found in model store: {url}"));
    }
    if !path.is_absolute() {
        let message = format!("Model not found in model store: {url}: Relative path is not allowed in url: {url}");
        return refused(Cause::ModelNotFound, message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(json: serde_json::Value) -> Parameters {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn parameters_of_a_wrong_type_are_named_with_what_was_expected() {
        let said = |query: &str, body: &'static str| {
            let body = Body(Ok(body.as_bytes().to_vec().into()));
            super::parameters(query, body, true).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(said("", r#"{"model_name": 5}"#), "model_name: expected text, found 5");
        let not_json = said("", "x");
        assert!(
            not_json.starts_with("line 1, column 1: this is not JSON (expected a value, found \"x\")"),
            "{not_json}"
        );
        assert!(not_json.contains("expected a JSON object such as {\"model_name\": \"m\""), "{not_json}");
        assert_eq!(said("initial_workers=many", ""), "initial_workers: expected a whole number, found \"many\"");
        assert_eq!(said("synchronous=maybe", ""), "synchronous: expected true or false, found \"maybe\"");
    }

    #[test]
    fn the_parameters_about_workers_decide_the_response() {
        use LoadResponse::{Processing, Registered, Scaled};
        let answers = [
            (serde_json::json!({}), Scaled),
            (serde_json::json!({"initial_workers": 2, "synchronous": true, "runtime": "python3"}), Scaled),
            (serde_json::json!({"initial_workers": 0, "synchronous": false}), Registered),
            (serde_json::json!({"synchronous": false, "handler": "a:b", "batch_size": 8}), Processing),
        ];
        for (mut body, expected) in answers {
            body["model_name"] = "m".into();
            body["url"] = "/opt/ml/models/m/model".into();
            let request = parameters(body.clone()).check().unwrap();
            assert_eq!((request.answer, request.name.as_str()), (expected, "m"), "{body}");
        }
    }
}

//! Responses in the format of multi-model-server, which existing clients rely on (`ErrorResponse` and `StatusResponse`
//! of github.com/awslabs/multi-model-server at 706aa9c7).

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::container::reply::Reply;
use crate::container::request_id::RequestId;
use crate::error::{Cause, Error, Result};
use crate::http::response_body::{CHUNK_SIZE, TimedBody, send_timeout};
use byoc_formats::error::chain;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u16,
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<usize>,
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'a str,
}

/// A JSON response, pretty-printed with a final newline like those of multi-model-server.
pub(super) fn json(status: StatusCode, document: &impl Serialize, id: &RequestId) -> HttpResponse {
    match pretty(document) {
        Ok(body) => builder(status, id).body(body),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The text of a JSON response, as [`json`] sends it.
///
/// # Errors
/// [`Cause::Internal`] if the document cannot be written as JSON.
pub(super) fn pretty(document: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(document)
        .map_err(|error| Error::new(Cause::Internal, "could not write the response as JSON").caused_by(error))?;
    text.push(b'\n');
    Ok(text)
}

/// A JSON response that may be large. The memory of its text is released once it is sent, or when sending times out.
pub(super) fn leased_json(text: Bytes, timeout: Duration, id: &RequestId) -> HttpResponse {
    let timeout = send_timeout(timeout, text.len());
    builder(StatusCode::OK, id).body(TimedBody::new([text], timeout))
}

fn builder(status: StatusCode, id: &RequestId) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((PRAGMA, HeaderValue::from_static("no-cache")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache; no-store, must-revalidate, private")))
        .insert_header((EXPIRES, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 UTC")))
        .insert_header((REQUEST_ID, id.header()));
    builder
}

/// `{"status": …}`.
pub(super) fn status(status: StatusCode, message: &str, id: &RequestId) -> HttpResponse {
    json(status, &Status { status: message }, id)
}

/// An error response. The details of an internal error go only to the log, with the request's id.
pub(super) fn error(error: &Error, id: &RequestId) -> HttpResponse {
    let row = error.cause().row();
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = if error.cause() == Cause::Internal {
        log::error!("request {id}: {}", chain(error));
        format!("internal error; see the log for request {id}")
    } else {
        log::info!("request {id}: {} {}", row.status, chain(error));
        chain(error).to_string()
    };
    let place = error.place();
    let body = ErrorBody {
        code: row.status,
        kind: row.kind,
        message: &message,
        row: place.and_then(|place| place.row),
        column: place.and_then(|place| place.column),
        byte: place.and_then(|place| place.byte),
    };
    let mut response = json(status, &body, id);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if error.cause() == Cause::RequestTimeout {
        // The rest of the body may still arrive on this connection.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// A model's answer. The client must read it within the timeout, or within a longer time if it is large.
pub(super) fn reply(reply: Reply, timeout: Duration) -> HttpResponse {
    let content_type = HeaderValue::from_static(reply.content_type.name());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, content_type));
    let length = reply.len();
    match <[Bytes; 1]>::try_from(reply.parts) {
        Ok([part]) if length <= CHUNK_SIZE => response.body(part),
        Ok(parts) => response.body(TimedBody::new(parts, send_timeout(timeout, length))),
        Err(parts) => response.body(TimedBody::new(parts, send_timeout(timeout, length))),
    }
}

/// multi-model-server's response to an unknown path.
pub(super) async fn unknown_path(id: RequestId) -> HttpResponse {
    let message = "Requested resource is not found, please refer to API document.";
    error(&Error::new(Cause::ResourceNotFound, message), &id)
}

/// multi-model-server's response to a method that a path does not support.
pub(super) async fn wrong_method(id: RequestId) -> HttpResponse {
    let message = "Requested method is not allowed, please refer to API document.";
    error(&Error::new(Cause::MethodNotAllowed, message), &id)
}

//! InvokeEndpointWithResponseStream: `POST /endpoints/{EndpointName}/invocations-response-stream`
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html).
//!
//! The last container's response is streamed, each piece in a frame. A failure before the first byte is an
//! error like InvokeEndpoint's; a later one is an exception in a separate frame.

use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use byoc_account::Lease;
use futures_util::StreamExt as _;
use reqwest::Client;
use serde::Serialize;
use uuid::Uuid;

use super::admission::admit;
use super::authorization::INVOKE_ENDPOINT;
use super::aws_error::AwsError;
use super::invocation::{Operation, Routed, Waits, finish, real_time, refuse, request_id};
use super::services::{Endpoint, Services};
use super::sessions::SessionRequest;
use super::{event_stream, headers};
use crate::endpoint::container_side::StreamBreak;
use crate::http::response_body::with_deadline;
use crate::leased_bytes::SMALL_BODY_BYTES;

/// Accept is not for the container here: an SDK uses it to say that it reads event streams.
pub(super) static OPERATION: Operation = Operation {
    name: "InvokeEndpointWithResponseStream",
    path: "/endpoints/{name}/invocations-response-stream",
    route: || web::post().to(invoke_endpoint_with_response_stream),
    action: INVOKE_ENDPOINT,
    content_type: CONTENT_TYPE,
    accept: HeaderName::from_static("x-amzn-sagemaker-accept"),
    // This operation has no such member.
    target_model: None,
    waits: Waits::Client,
};
/// The content type of the frames' payloads.
const ANSWERS_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-amzn-sagemaker-content-type");

/// The minimum lease of a stream: most pieces of a container's response and their frames are smaller.
const BUFFERED: u64 = SMALL_BODY_BYTES;

/// Sends a request through the containers and streams the last response.
async fn invoke_endpoint_with_response_stream(
    request: HttpRequest,
    name: Path<String>,
    payload: Payload,
    services: Data<Services>,
    client: Data<Client>,
) -> HttpResponse {
    let id = request_id();
    let admitted = admit(&services, &request, &OPERATION, &name, payload).await;
    let (endpoint, body) = match admitted.and_then(|body| Ok((real_time(&services, &name)?, body))) {
        Ok(admitted) => admitted,
        Err(error) => return refuse(id, &name, &error),
    };
    let variant = headers::text(request.headers(), headers::TARGET_VARIANT);
    let session = headers::text(request.headers(), headers::SESSION_ID);
    let routed = match Routed::to(endpoint, variant.as_deref(), session.as_deref()) {
        Ok(routed) => routed,
        Err(error) => return finish(id, &name, None, Err(error)),
    };
    let outcome = invoke(&request, body, &services, endpoint, &routed, &client, id.0).await;
    finish(id, &name, Some(routed.variant), outcome)
}

async fn invoke(
    request: &HttpRequest,
    body: Result<Bytes, AwsError>,
    services: &Services,
    endpoint: &Endpoint,
    routed: &Routed<'_>,
    client: &Client,
    id: Uuid,
) -> Result<HttpResponse, AwsError> {
    if routed.asked == SessionRequest::New {
        return Err(AwsError::validation(
            "A session cannot be created by InvokeEndpointWithResponseStream; create it with InvokeEndpoint.",
        ));
    }
    let call = routed.call(request.headers(), &OPERATION, body?, services, id);
    let call = call.map_err(|refused| refused.for_client(endpoint, &id))?;
    let buffered = services.memory.answers().lease(BUFFERED).map_err(|_| AwsError::no_memory())?;
    let answer = routed.variant.pipeline.stream(client, call).await;
    let answer = answer.map_err(|failure| AwsError::from_invocation_error(&failure, &endpoint.identity, &id))?;
    routed.note_sessions(&answer.headers);

    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/vnd.amazon.eventstream")));
    if let Some(content_type) = headers::content_type(&answer.headers) {
        response.insert_header((ANSWERS_CONTENT_TYPE, content_type));
    }
    for header in headers::returned(&answer.headers, routed.asked) {
        response.insert_header(header);
    }
    let frames =
        answer.pieces.scan(Some(buffered), move |buffered, piece| std::future::ready(frame(buffered, piece, &id)));
    // The container may take this long, and then its last piece must still be sent.
    let limits = &services.limits.call;
    Ok(response.streaming(with_deadline(limits.stream_timeout + limits.container_timeout, frames)))
}

/// The frame of a piece, which is kept in memory beside the piece until the client reads it. The stream ends after an
/// error, which also ends the lease.
fn frame(buffered: &mut Option<Lease>, piece: Result<Bytes, StreamBreak>, id: &Uuid) -> Option<Bytes> {
    let lease = buffered.as_mut()?;
    let leased = piece.and_then(|piece| match lease.resize(BUFFERED.max(2 * piece.len() as u64)) {
        Ok(()) => Ok(piece),
        Err(_) => Err(StreamBreak::Broken("not enough memory to send the rest".to_owned())),
    });
    match leased {
        Ok(piece) => Some(event_stream::payload_part(&piece)),
        Err(broken) => {
            match &broken {
                StreamBreak::TimedOut(limit) => {
                    log::warn!("request {id}: the stream was cut off after {} s", limit.as_secs_f64());
                }
                StreamBreak::Broken(why) => log::warn!("request {id}: the stream broke: {why}"),
            }
            *buffered = None;
            Some(exception(&broken))
        }
    }
}

/// The payload of a ModelStreamError.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModelStreamError<'a> {
    error_code: &'a str,
    message: String,
}

fn exception(broken: &StreamBreak) -> Bytes {
    let (error_code, message) = match broken {
        StreamBreak::TimedOut(limit) => (
            "ModelInvocationTimeExceeded",
            format!("The model did not finish its response within {} s.", limit.as_secs_f64()),
        ),
        StreamBreak::Broken(why) => {
            ("StreamBroken", format!("The connection to the container broke before the end of its response: {why}."))
        }
    };
    // A structure of two strings always serializes.
    let json = serde_json::to_vec(&ModelStreamError { error_code, message }).unwrap_or_default();
    event_stream::exception("ModelStreamError", &json)
}

#[cfg(test)]
mod tests {
    use byoc_account::Account;

    use super::*;

    #[test]
    fn a_stream_ends_at_the_piece_for_which_there_is_no_memory() {
        let account = Account::new(2 * BUFFERED);
        let mut buffered = Some(account.lease(BUFFERED).unwrap());
        let mut next = |bytes: u64| frame(&mut buffered, Ok(vec![0; bytes as usize].into()), &Uuid::nil());
        assert_eq!(next(10), Some(event_stream::payload_part(&[0; 10])));
        assert!(next(BUFFERED).is_some_and(|frame| frame.len() as u64 > BUFFERED));
        assert_eq!(account.used(), 2 * BUFFERED);
        let broken = next(BUFFERED + 1).unwrap();
        assert!(String::from_utf8_lossy(&broken).contains("not enough memory to send the rest"));
        assert_eq!((next(1), account.used()), (None, 0));
    }
}

//! InvokeEndpoint: `POST /endpoints/{EndpointName}/invocations`
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).

use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::web::{self, Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use reqwest::Client;
use uuid::Uuid;

use super::admission::admit;
use super::authorization::INVOKE_ENDPOINT;
use super::aws_error::AwsError;
use super::headers;
use super::invocation::{Operation, Routed, Waits, finish, real_time, refuse, request_id};
use super::services::{Endpoint, Services};
use super::sessions::SessionRequest;
use crate::http::response_body::{CHUNK_SIZE, TimedBody, send_timeout};

pub(super) static OPERATION: Operation = Operation {
    name: "InvokeEndpoint",
    path: "/endpoints/{name}/invocations",
    route: || web::post().to(invoke_endpoint),
    action: INVOKE_ENDPOINT,
    content_type: CONTENT_TYPE,
    accept: ACCEPT,
    target_model: Some(headers::TARGET_MODEL),
    waits: Waits::Client,
};

/// Sends a request through the containers.
async fn invoke_endpoint(
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
    let outcome = invoke(&request, body, &services, endpoint, &routed, &client, &id.0).await;
    finish(id, &name, Some(routed.variant), outcome)
}

async fn invoke(
    request: &HttpRequest,
    body: Result<Bytes, AwsError>,
    services: &Services,
    endpoint: &Endpoint,
    routed: &Routed<'_>,
    client: &Client,
    id: &Uuid,
) -> Result<HttpResponse, AwsError> {
    let (body, problem) = match body {
        Ok(body) => (body, None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    // Errors in the headers are reported first: the body may be too large only because the target is wrong.
    let call = routed.call(request.headers(), &OPERATION, body, services, *id);
    let call = call.map_err(|refused| refused.for_client(endpoint, id))?;
    if let Some(error) = problem {
        return Err(error);
    }
    // A session belongs to one variant: a shadow would not know it.
    let shadow = if routed.asked == SessionRequest::Nothing { routed.variants.shadow() } else { None };
    let copy = shadow.map(|shadow| (shadow, call.clone()));
    let outcome = routed.variant.invoke(client, call).await;
    if let Some((shadow, call)) = copy {
        // A separate task, so that the client does not wait for it.
        actix_web::rt::spawn(shadow.copy(client.clone(), call));
    }
    let answer = outcome.map_err(|failure| AwsError::from_invocation_error(&failure, &endpoint.identity, id))?;
    routed.note_sessions(&answer.headers);
    let mut response = HttpResponse::Ok();
    if let Some(content_type) = headers::content_type(&answer.headers) {
        response.insert_header((CONTENT_TYPE, content_type));
    }
    for header in headers::returned(&answer.headers, routed.asked) {
        response.insert_header(header);
    }
    let body = answer.body;
    if body.len() <= CHUNK_SIZE {
        // It is copied into the connection's own buffer at once.
        return Ok(response.body(body));
    }
    let timeout = send_timeout(services.limits.call.container_timeout, body.len());
    Ok(response.body(TimedBody::new([body], timeout)))
}

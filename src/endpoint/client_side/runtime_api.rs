//! InvokeEndpoint: `POST /endpoints/{EndpointName}/invocations`
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).

use std::time::Instant;

use actix_web::error::PayloadError;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use reqwest::Client;
use uuid::Uuid;

use super::aws_error::AwsError;
use super::headers::{self, INVOKED_PRODUCTION_VARIANT, REQUEST_ID};
use super::services::Services;
use crate::endpoint::container_side::{Answer, Call, Failure, Pipeline, TargetModel};
use crate::endpoint::identity::{Identity, VARIANT};

/// The largest request body: 25 MB (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
pub(super) const LARGEST_REQUEST: usize = 25 * 1024 * 1024;

/// An id for a request, and the header that tells a client.
pub(super) fn request_id() -> (Uuid, HeaderValue) {
    let id = Uuid::new_v4();
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    (id, HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// Takes a request through the containers.
pub(super) async fn invoke_endpoint(
    request: HttpRequest,
    name: Path<String>,
    body: Result<Bytes, actix_web::Error>,
    services: Data<Services>,
    client: Data<Client>,
) -> HttpResponse {
    let (id, id_header) = request_id();
    if *name != services.identity.endpoint {
        return AwsError::no_such_endpoint(&name, &services.identity).respond(id_header);
    }
    let response = match invoke(&request, body, &services, &client, &id).await {
        Ok(answer) => {
            let mut response = HttpResponse::Ok();
            for header in headers::returned(&answer.headers) {
                response.insert_header(header);
            }
            response.insert_header((INVOKED_PRODUCTION_VARIANT, HeaderValue::from_static(VARIANT)));
            response.insert_header((REQUEST_ID, id_header));
            response.body(answer.body)
        }
        Err(error) => {
            log::debug!("request {id}: {error:?}");
            error.respond(id_header)
        }
    };
    services.count(&response);
    response
}

async fn invoke(
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    services: &Services,
    client: &Client,
    id: &Uuid,
) -> Result<Answer, AwsError> {
    let identity = &services.identity;
    let Some(pipeline) = services.pipeline() else {
        return Err(AwsError::service_unavailable(format!("Endpoint {} is Creating; try again.", identity.endpoint)));
    };
    let call = call(request, body, pipeline, identity, id)?;
    let start = Instant::now();
    let outcome = pipeline.invoke(client, call).await;
    services.model_latency.record(start.elapsed());
    outcome.map_err(|failure| AwsError::from_failure(&failure, identity, id))
}

/// What the client asks, once its headers make sense.
fn call(
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    pipeline: &Pipeline,
    identity: &Identity,
    id: &Uuid,
) -> Result<Call, AwsError> {
    let given = request.headers();
    if let Some(variant) = headers::text(given, headers::TARGET_VARIANT).filter(|variant| variant != VARIANT) {
        return Err(AwsError::validation(format!("There is no variant {variant}; this endpoint has {VARIANT} only.")));
    }
    if let Some(hostname) = headers::text(given, headers::TARGET_CONTAINER_HOSTNAME) {
        return Err(AwsError::validation(format!(
            "TargetContainerHostname {hostname} cannot be used: the containers of this endpoint run in Serial mode, not \
             in Direct mode."
        )));
    }
    if let Some(component) = headers::text(given, headers::INFERENCE_COMPONENT) {
        return Err(AwsError::validation(format!(
            "There is no inference component {component}; this endpoint has none."
        )));
    }
    let target_model = match headers::text(given, headers::TARGET_MODEL) {
        // Where none is wanted, that is what is wrong with it, whatever it says.
        Some(_) if !pipeline.is_multi_model() => {
            return Err(AwsError::from_failure(&Failure::TargetModelNotSupported, identity, id));
        }
        Some(target_model) => Some(TargetModel::parse(&target_model).map_err(AwsError::validation)?),
        None => None,
    };
    let body = body.map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => AwsError::payload_too_large(LARGEST_REQUEST),
        _ => AwsError::validation(format!("The request body could not be read: {error}.")),
    })?;
    Ok(Call {
        content_type: headers::to_container(given, CONTENT_TYPE),
        accept: headers::to_container(given, ACCEPT),
        for_all: headers::passed(given),
        target_model,
        body,
    })
}

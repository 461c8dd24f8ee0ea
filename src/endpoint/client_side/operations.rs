//! What the endpoint says of itself: health, metrics, and that a path or a method is not there.

use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::aws_error::AwsError;
use super::runtime_api::request_id;
use super::services::Services;
use crate::telemetry;

/// `GET /ping`: 200 when the endpoint is InService and all its containers run.
pub(super) async fn ping(services: Data<Services>) -> HttpResponse {
    let endpoint = &services.identity.endpoint;
    let problem = match services.pipeline() {
        None => format!("Endpoint {endpoint} is Creating."),
        Some(pipeline) => match pipeline.how_it_ended() {
            None => return HttpResponse::Ok().finish(),
            Some(how) => format!("Endpoint {endpoint} is OutOfService: {how}."),
        },
    };
    AwsError::service_unavailable(problem).respond(new_id())
}

/// `GET /metrics`, in Prometheus' text format.
pub(super) async fn metrics() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(telemetry::metrics::render())
}

/// Any path that is not served.
pub(super) async fn unknown_operation(request: HttpRequest) -> HttpResponse {
    AwsError::unknown_operation(request.path()).respond(new_id())
}

/// Any method that a path does not take.
pub(super) async fn wrong_method(request: HttpRequest) -> HttpResponse {
    AwsError::method_not_allowed(request.method().as_str(), request.path()).respond(new_id())
}

fn new_id() -> HeaderValue {
    request_id().1
}

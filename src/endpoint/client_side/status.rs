//! The endpoint's own paths, `/ping` and `/metrics`, and the responses to unknown paths and methods.

use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::aws_error::AwsError;
use super::invocation::request_id;
use super::json_protocol;
use super::services::{Endpoint, Services};
use crate::telemetry;

/// `GET /ping`: 200 when all endpoints are InService and all their containers run.
pub(super) async fn ping(services: Data<Services>) -> HttpResponse {
    match services.endpoints().find_map(|endpoint| problem(endpoint)) {
        None => HttpResponse::Ok().finish(),
        Some(problem) => AwsError::service_unavailable(problem).respond(new_id()),
    }
}

fn problem(endpoint: &Endpoint) -> Option<String> {
    let name = &endpoint.identity.endpoint;
    let Some(variants) = endpoint.variants() else { return Some(format!("Endpoint {name} is Creating.")) };
    if let Some(reason) = variants.failure_reason() {
        return Some(format!("Endpoint {name} is Failed. {reason}"));
    }
    variants.exit_description().map(|how| format!("Endpoint {name} is OutOfService: {how}."))
}

/// `GET /metrics`, in Prometheus' text format.
pub(super) async fn metrics(services: Data<Services>) -> HttpResponse {
    metrics::gauge!("byoc_endpoint_in_flight_bytes").set(services.memory.used() as f64);
    metrics::gauge!("byoc_endpoint_in_flight_limit_bytes").set(services.memory.limit() as f64);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(telemetry::metrics::render())
}

/// The handler for unknown paths.
pub(super) async fn unknown_operation(request: HttpRequest) -> HttpResponse {
    refuse(&request, AwsError::unknown_path(request.path()))
}

/// The handler for unsupported methods.
pub(super) async fn wrong_method(request: HttpRequest) -> HttpResponse {
    refuse(&request, AwsError::method_not_allowed(request.method().as_str(), request.path()))
}

/// The response to a request that matches no route. For a JSON protocol it names the requested operation.
fn refuse(request: &HttpRequest, otherwise: AwsError) -> HttpResponse {
    let (id, header) = request_id();
    match json_protocol::target(request.headers()) {
        Some(target) => {
            let error = AwsError::unknown_target(json_protocol::unknown_operation(&target));
            error.log("the endpoint", &id);
            json_protocol::respond(&error, request.headers(), header)
        }
        None => {
            otherwise.log("the endpoint", &id);
            otherwise.respond(header)
        }
    }
}

fn new_id() -> HeaderValue {
    request_id().1
}

//! The app factory: the one list of routes, for the program and for its tests.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{self, Data, ServiceConfig};

use super::hosts::{self, AllowedHosts};
use super::services::Services;
use super::{asynchronous, operations, response_stream, runtime_api};

/// Puts the endpoint's routes into an app. The app brings its thread's client for containers as `Data<reqwest::Client>`.
pub fn configure(services: Data<Services>) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        app.app_data(services)
            .service(
                web::resource("/endpoints/{name}/invocations")
                    .route(web::post().to(runtime_api::invoke_endpoint))
                    .default_service(web::to(operations::wrong_method)),
            )
            .service(
                web::resource("/endpoints/{name}/invocations-response-stream")
                    .route(web::post().to(response_stream::invoke_endpoint_with_response_stream))
                    .default_service(web::to(operations::wrong_method)),
            )
            .service(
                web::resource("/endpoints/{name}/async-invocations")
                    .route(web::post().to(asynchronous::invoke_endpoint_async))
                    .default_service(web::to(operations::wrong_method)),
            )
            .service(
                web::resource("/ping")
                    .route(web::get().to(operations::ping))
                    .default_service(web::to(operations::wrong_method)),
            )
            .service(
                web::resource("/metrics")
                    .route(web::get().to(operations::metrics))
                    .default_service(web::to(operations::wrong_method)),
            )
            .default_service(web::to(operations::unknown_operation));
    }
}

/// Around an app: lets nothing in that is for another host. The app brings the [`AllowedHosts`] as `Data`.
///
/// # Errors
/// Those of the app itself.
pub async fn for_our_hosts(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let checked = request.app_data::<Data<AllowedHosts>>().map_or(Ok(()), |hosts| hosts.check(request.head()));
    match checked {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(error) => {
            let response = hosts::refuse(&error, request.headers()).map_into_right_body();
            Ok(ServiceResponse::new(request.into_parts().0, response))
        }
    }
}

//! The app factory with all routes, for the program and its tests.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{self, Data, ServiceConfig};

use super::hosts::{self, AllowedHosts};
use super::services::Services;
use super::{operations, status};

/// Adds the endpoint's routes to an app. The app must provide its thread's client for containers as
/// `Data<reqwest::Client>`.
pub fn configure(services: Data<Services>) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        app.app_data(services);
        for operation in operations::ALL {
            let resource = web::resource(operation.path).route((operation.route)());
            app.service(resource.default_service(web::to(status::wrong_method)));
        }
        app.service(
            web::resource("/ping").route(web::get().to(status::ping)).default_service(web::to(status::wrong_method)),
        )
        .service(
            web::resource("/metrics")
                .route(web::get().to(status::metrics))
                .default_service(web::to(status::wrong_method)),
        )
        .default_service(web::to(status::unknown_operation));
    }
}

/// Middleware that refuses requests for other hosts. The app must provide the [`AllowedHosts`] as `Data`.
///
/// # Errors
/// Those of the app itself.
pub async fn check_host(
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

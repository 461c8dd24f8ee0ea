//! The app factory: the one list of routes, for the program and for its tests.

use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};

use super::services::Services;
use super::{operations, runtime_api};

/// Puts the endpoint's routes into an app. The app brings its thread's client for containers as `Data<reqwest::Client>`.
pub fn configure(services: Data<Services>) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        app.app_data(PayloadConfig::new(runtime_api::LARGEST_REQUEST))
            .app_data(services)
            .service(
                web::resource("/endpoints/{name}/invocations")
                    .route(web::post().to(runtime_api::invoke_endpoint))
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

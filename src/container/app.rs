//! The list of routes, which the program and its tests share.

use actix_web::web::{self, Data, ServiceConfig};

use crate::container::config::Mode;
use crate::container::services::Services;
use crate::container::{batch_invocations, load, respond, routes};

/// Adds the routes of a container in this mode to an app.
pub fn configure(services: Data<Services>, mode: &Mode) -> impl FnOnce(&mut ServiceConfig) {
    let single = matches!(mode, Mode::SingleModel(_));
    let batch = services.batch.is_some();
    move |app| {
        app.app_data(services);
        // Routes are tried in order, so the busiest one comes first.
        let invocations = web::resource("/invocations").default_service(web::to(respond::wrong_method));
        let ping = web::resource("/ping").default_service(web::to(respond::wrong_method));
        if single {
            let post = web::post();
            let post = if batch { post.to(batch_invocations::invocations) } else { post.to(routes::invocations) };
            app.service(invocations.route(post)).service(ping.route(web::get().to(routes::ping_single)));
        } else {
            app.service(web::resource("/models/{name:.*}").route(web::route().to(routes::model)))
                .service(
                    web::resource("/models")
                        .route(web::get().to(routes::list))
                        .route(web::post().to(load::load))
                        .default_service(web::to(respond::wrong_method)),
                )
                .service(invocations.route(web::post().to(routes::invocations_by_query)))
                .service(ping.route(web::get().to(routes::ping_multi)));
        }
        app.service(
            web::resource("/execution-parameters")
                .route(web::get().to(routes::execution_parameters))
                .default_service(web::to(respond::wrong_method)),
        )
        .service(
            web::resource("/metrics")
                .route(web::get().to(routes::metrics))
                .default_service(web::to(respond::wrong_method)),
        )
        .default_service(web::to(respond::unknown_path));
    }
}

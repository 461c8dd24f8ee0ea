//! The metrics of a container.

use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::HttpResponse;

use crate::container::services::Services;

/// The routes that are counted. Labels never contain a model's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Invocation,
    Load,
    Unload,
}

impl Route {
    const fn label(self) -> &'static str {
        match self {
            Route::Invocation => "invocations",
            Route::Load => "load",
            Route::Unload => "unload",
        }
    }
}

/// Counts a response, and records the seconds since `started`.
pub(super) fn count_response(route: Route, response: HttpResponse, started: Option<Instant>) -> HttpResponse {
    // By far the most common response has its counters cached; the others are looked up.
    if route == Route::Invocation && response.status().as_u16() == 200 {
        thread_local! {
            static OK: metrics::Counter =
                metrics::counter!("byoc_requests_total", "route" => Route::Invocation.label(), "code" => "200");
            static SECONDS: metrics::Histogram =
                metrics::histogram!("byoc_request_seconds", "route" => Route::Invocation.label());
        }
        OK.with(|counter| counter.increment(1));
        if let Some(started) = started {
            SECONDS.with(|histogram| histogram.record(started.elapsed().as_secs_f64()));
        }
        return response;
    }
    let code = response.status().as_u16().to_string();
    metrics::counter!("byoc_requests_total", "route" => route.label(), "code" => code).increment(1);
    if let Some(started) = started {
        metrics::histogram!("byoc_request_seconds", "route" => route.label()).record(started.elapsed().as_secs_f64());
    }
    response
}

/// Sets the gauges to their current values.
pub(super) fn update_gauges(services: &Services) {
    let models = services.registry.account();
    metrics::gauge!("byoc_requests_in_flight").set(services.in_flight.load(Ordering::Relaxed) as f64);
    metrics::gauge!("byoc_models_loaded").set(services.registry.len() as f64);
    metrics::gauge!("byoc_model_bytes").set(models.used() as f64);
    metrics::gauge!("byoc_model_bytes_limit").set(models.limit() as f64);
}

//! What requests share.

use std::sync::OnceLock;

use actix_web::HttpResponse;

use crate::endpoint::container_side::Pipeline;
use crate::endpoint::identity::{Identity, VARIANT};

/// An endpoint as its clients find it.
#[derive(Debug)]
pub struct Services {
    pub(super) identity: Identity,
    /// Set once, when the endpoint is InService.
    pipeline: OnceLock<Pipeline>,
    /// Invocations with status 200, counted without a look-up.
    succeeded: metrics::Counter,
    /// ModelLatency of docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, in seconds: the whole chain.
    pub(super) model_latency: metrics::Histogram,
}

impl Services {
    /// An endpoint that is Creating: it has no containers yet.
    pub fn creating(identity: Identity) -> Services {
        let succeeded = invocations(&identity, 200);
        let model_latency = metrics::histogram!(
            "byoc_endpoint_model_latency_seconds", "endpoint" => identity.endpoint.clone(), "variant" => VARIANT
        );
        Services { identity, pipeline: OnceLock::new(), succeeded, model_latency }
    }

    /// Puts the endpoint InService.
    pub fn in_service(&self, pipeline: Pipeline) {
        // An endpoint goes InService once in its life; there is no other place that sets it.
        let _ = self.pipeline.set(pipeline);
    }

    /// The containers, once the endpoint is InService.
    pub(super) fn pipeline(&self) -> Option<&Pipeline> {
        self.pipeline.get()
    }

    /// Counts an invocation of this endpoint.
    pub(super) fn count(&self, response: &HttpResponse) {
        match response.status().as_u16() {
            200 => self.succeeded.increment(1),
            other => invocations(&self.identity, other).increment(1),
        }
    }
}

fn invocations(identity: &Identity, code: u16) -> metrics::Counter {
    metrics::counter!(
        "byoc_endpoint_invocations_total",
        "endpoint" => identity.endpoint.clone(), "variant" => VARIANT, "code" => code.to_string()
    )
}

//! The state that all requests share: the endpoints of this process.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::asynchronous::Queue;
use super::authorization::Authorization;
use super::variants::Variants;
use crate::endpoint::identity::Identity;
use crate::endpoint::limits::{InFlight, Limits};
use crate::leased_bytes::MemoryShare;

/// An endpoint, as clients see it.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) identity: Identity,
    /// The queue of asynchronous invocations; an endpoint with one takes no others.
    pub(super) queue: Option<Queue>,
    /// Set once, when the endpoint is InService.
    variants: OnceLock<Variants>,
}

impl Endpoint {
    /// An endpoint that is Creating: it has no containers yet. With a queue it takes only asynchronous invocations.
    pub fn creating(identity: Identity, queue: Option<Queue>) -> Endpoint {
        Endpoint { identity, queue, variants: OnceLock::new() }
    }

    /// Puts the endpoint InService.
    pub fn in_service(&self, variants: Variants) {
        // An endpoint becomes InService only once; it is set nowhere else.
        let _ = self.variants.set(variants);
    }

    /// Stops accepting asynchronous invocations.
    pub fn stop_accepting(&self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
    }

    /// Abandons the asynchronous invocations that are not answered yet.
    pub fn abandon(&self) {
        if let Some(queue) = &self.queue {
            queue.abandon();
        }
    }

    /// Its variants, once it is InService.
    pub(super) fn variants(&self) -> Option<&Variants> {
        self.variants.get()
    }
}

/// All endpoints, by name.
#[derive(Debug)]
pub struct Services {
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    pub(super) limits: Limits,
    /// The memory budget for bodies and responses.
    pub(super) memory: InFlight,
    /// Checks signatures and policies; if `None`, every request is allowed.
    pub(super) authorization: Option<Authorization>,
}

impl Services {
    /// The endpoints of a process, their limits, and the authorization. Without authorization, every request is
    /// allowed.
    pub fn new(
        endpoints: impl IntoIterator<Item = Arc<Endpoint>>,
        limits: Limits,
        authorization: Option<Authorization>,
    ) -> Services {
        let endpoints = endpoints.into_iter().map(|endpoint| (endpoint.identity.endpoint.clone(), endpoint)).collect();
        let memory = InFlight::new(limits.in_flight_bytes);
        Services { endpoints, limits, memory, authorization }
    }

    /// The memory budget for inputs of asynchronous invocations.
    pub fn inputs_memory(&self) -> &MemoryShare {
        self.memory.queued()
    }

    pub(super) fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(name)
    }

    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> + Clone {
        self.endpoints.values()
    }

    /// The region and account of an endpoint, also of an unknown one.
    pub(super) fn region_and_account(&self, name: &str) -> (&str, &str) {
        let endpoint = self.endpoints.get(name).or_else(|| self.endpoints.values().next());
        endpoint.map_or(("", ""), |endpoint| (&endpoint.identity.region, &endpoint.identity.account))
    }
}

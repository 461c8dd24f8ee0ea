//! The limits of an endpoint: time, size and memory.

use std::sync::Arc;

use byoc_account::{Account, system};

use super::container_side::InvocationLimits;
use crate::leased_bytes::MemoryShare;

/// The memory that the process needs beside the bodies and responses of its requests.
const OWN_BYTES: u64 = 64 << 20;
/// The minimum for bodies and responses, and the value if the available memory is unknown.
const LEAST_IN_FLIGHT: u64 = 16 << 20;
const UNKNOWN_IN_FLIGHT: u64 = 256 << 20;

/// The limits of an endpoint. The default values are SageMaker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body: 25 MB (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
    pub request_bytes: usize,
    /// The most memory of all bodies and responses together: a quarter of the memory that this process may use,
    /// after its own needs. Its containers, often child processes, need the rest.
    pub in_flight_bytes: u64,
    /// The limits of the exchanges with containers.
    pub call: InvocationLimits,
}

impl Default for Limits {
    fn default() -> Limits {
        let in_flight_bytes = system::memory().map_or(UNKNOWN_IN_FLIGHT, of_memory);
        Limits { request_bytes: 25 << 20, in_flight_bytes, call: InvocationLimits::default() }
    }
}

fn of_memory(bytes: u64) -> u64 {
    (bytes.saturating_sub(OWN_BYTES) / 4).max(LEAST_IN_FLIGHT)
}

/// The memory of requests in flight. Small requests may use all of it, large ones at most three quarters, and large
/// bodies at most half: so small requests are always accepted, and accepted requests can be answered.
#[derive(Clone, Debug)]
pub struct InFlight {
    all: Arc<Account>,
    bodies: MemoryShare,
    queued: MemoryShare,
    answers: MemoryShare,
}

impl InFlight {
    /// A budget of `bytes` bytes.
    pub fn new(bytes: u64) -> InFlight {
        let all = Account::new(bytes);
        let answers = MemoryShare::of(&all, bytes - bytes / 4);
        let bodies = answers.with_large_limit(bytes / 2);
        let queued = bodies.large_only();
        InFlight { all, bodies, queued, answers }
    }

    /// The share for request bodies.
    pub fn bodies(&self) -> &MemoryShare {
        &self.bodies
    }

    /// The share for bodies that wait in a queue. They are many and stay long, so small ones get no more than
    /// large ones.
    pub fn queued(&self) -> &MemoryShare {
        &self.queued
    }

    /// The share for responses of containers.
    pub fn answers(&self) -> &MemoryShare {
        &self.answers
    }

    /// The bytes in use.
    pub fn used(&self) -> u64 {
        self.all.used()
    }

    /// The limit in bytes.
    pub fn limit(&self) -> u64 {
        self.all.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_memory_is_for_requests_in_flight() {
        assert_eq!(of_memory(64 << 20), LEAST_IN_FLIGHT);
        assert_eq!(of_memory(512 << 20), 112 << 20);
        assert_eq!(of_memory(u64::MAX), (u64::MAX - OWN_BYTES) / 4);
    }

    #[test]
    fn large_bodies_leave_memory_for_responses_and_both_for_small_requests() {
        let memory = InFlight::new(8 << 20);
        let bodies = memory.bodies().lease(4 << 20).unwrap();
        assert!(memory.bodies().lease(1 << 20).is_err());
        let answers = memory.answers().lease(2 << 20).unwrap();
        assert!(memory.answers().lease(1 << 20).is_err());
        let small: Vec<_> = (0..32).map(|_| memory.bodies().lease(64 << 10).unwrap()).collect();
        assert_eq!((memory.used(), memory.limit()), (8 << 20, 8 << 20));
        drop((bodies, answers, small));
        let queued: Vec<_> = std::iter::from_fn(|| memory.queued().lease(1 << 10).ok()).collect();
        assert_eq!(queued.len(), 4 << 10, "what waits leaves a half, however small it is");
        assert!(memory.bodies().lease(1 << 10).is_ok());
        drop(queued);
        assert!(memory.answers().lease((6 << 20) + 1).is_err());
        assert_eq!(memory.used(), 0);
    }
}

//! What an endpoint refuses to wait for or to hold.

use std::sync::Arc;

use byoc_account::{Account, system};

use super::container_side::InvocationLimits;
use crate::leased_bytes::MemoryShare;

/// What the process needs beside the bodies and answers of its requests.
const OWN_BYTES: u64 = 64 << 20;
/// The least and, where nothing tells how much memory there is, all that bodies and answers get.
const LEAST_IN_FLIGHT: u64 = 16 << 20;
const UNKNOWN_IN_FLIGHT: u64 = 256 << 20;

/// The limits of an endpoint. [`Limits::default`] has the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body: 25 MB (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
    pub request_bytes: usize,
    /// The most that bodies and answers of all requests together may have: a quarter of the memory that this process may take,
    /// beyond what it needs itself. Its containers, which are often children of it, need the rest.
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

/// The account of what is under way. What is small may take all of it; what is large takes three quarters at most, and large
/// bodies no more than half: however many of them come, small requests are let in, and what was let in can be answered.
#[derive(Clone, Debug)]
pub struct InFlight {
    all: Arc<Account>,
    bodies: MemoryShare,
    queued: MemoryShare,
    answers: MemoryShare,
}

impl InFlight {
    /// An account of so many bytes.
    pub fn new(bytes: u64) -> InFlight {
        let all = Account::new(bytes);
        let answers = MemoryShare::of(&all, bytes - bytes / 4);
        let bodies = answers.with_large_limit(bytes / 2);
        let queued = bodies.large_only();
        InFlight { all, bodies, queued, answers }
    }

    /// What bodies of requests are leased from.
    pub fn bodies(&self) -> &MemoryShare {
        &self.bodies
    }

    /// What bodies are leased from that wait in a queue. There are many of them, for long: also small ones get no more than
    /// large ones do.
    pub fn queued(&self) -> &MemoryShare {
        &self.queued
    }

    /// What answers of containers are leased from.
    pub fn answers(&self) -> &MemoryShare {
        &self.answers
    }

    /// Bytes that are held now.
    pub fn used(&self) -> u64 {
        self.all.used()
    }

    /// Bytes that may be held.
    pub fn limit(&self) -> u64 {
        self.all.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_memory_is_for_what_is_under_way() {
        assert_eq!(of_memory(64 << 20), LEAST_IN_FLIGHT);
        assert_eq!(of_memory(512 << 20), 112 << 20);
        assert_eq!(of_memory(u64::MAX), (u64::MAX - OWN_BYTES) / 4);
    }

    #[test]
    fn large_bodies_leave_room_for_answers_and_both_for_what_is_small() {
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

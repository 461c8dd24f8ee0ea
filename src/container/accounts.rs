//! The account of a container's memory: what models, bodies under way and answers may take, each a part of one whole.
//!
//! multi-model-server answers 507 only after memory has run out. Here what a load or a request needs is leased before it is
//! allocated, so the platform learns to unload others, and a caller to come back, while everything that is loaded goes on.

use std::sync::Arc;

use byoc_account::{Account, system};

use crate::http::server::CONNECTION_MEMORY;
use crate::leased_bytes::MemoryShare;

/// The parts of a container's memory.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// All of it, but for what the process itself needs.
    pub whole: Arc<Account>,
    /// Loaded models, and what loading takes besides.
    pub models: Arc<Account>,
    /// Requests: bodies, and what answering takes.
    pub requests: Arc<Account>,
    /// Bodies on their way in. Large ones get a part of the requests' memory only, so that many of them leave room to answer
    /// some, and to take small ones.
    pub bodies: MemoryShare,
}

/// The part of the memory that models may take where nothing else is said.
const DEFAULT_MODEL_SHARE: f64 = 0.8;

/// What the process and its threads need, however small the container is.
const MIN_PROCESS_RESERVE: u64 = 24 << 20;

/// What the system holds for the container's sockets, and what lies between pieces of memory that are in use: one part of so
/// many.
const PROCESS_RESERVE_DIVISOR: u64 = 8;

/// What of so much memory is left to nobody's account.
pub fn process_reserve(memory: u64) -> u64 {
    MIN_PROCESS_RESERVE + memory / PROCESS_RESERVE_DIVISOR
}

/// Where neither a cgroup nor the machine tells how much memory there is.
const UNKNOWN_MEMORY: u64 = 1 << 30;

/// How much of the requests' memory large bodies may take: one part of so many.
const BODIES_DIVISOR: u64 = 2;

impl Accounts {
    /// The accounts of a container with so many bytes of memory, of which models may take so many.
    pub fn new(memory: u64, model_memory: u64) -> Accounts {
        let whole = Account::new(memory.saturating_sub(process_reserve(memory)));
        let requests = Account::within(&whole, whole.limit());
        Accounts {
            models: Account::within(&whole, model_memory),
            bodies: MemoryShare::of(&requests, requests.limit() / BODIES_DIVISOR),
            requests,
            whole,
        }
    }
}

/// An answer of so many bytes is a part of what its connection holds.
pub(super) const MAX_UNLEASED_ANSWER: u64 = 32 << 10;

/// How much of the memory connections may hold: one part of so many. Others wait until one is closed.
const CONNECTIONS_DIVISOR: u64 = 8;

/// How many connections there may be in a container of so many bytes.
pub(super) fn max_connections(memory: u64) -> usize {
    usize::try_from(memory / CONNECTIONS_DIVISOR / CONNECTION_MEMORY).unwrap_or(usize::MAX).max(64)
}

impl Accounts {
    /// What a request can never have, however long it waits: models, and a part that connections and bodies hold.
    pub fn unavailable_to_requests(&self) -> u64 {
        self.models.used() + self.requests.limit() / 16
    }
}

/// The bytes that this container has.
pub fn container_memory() -> u64 {
    system::memory().unwrap_or(UNKNOWN_MEMORY)
}

/// The bytes that models may take of so much memory, where nothing else is said.
pub fn default_model_memory(memory: u64) -> u64 {
    ((memory as f64 * DEFAULT_MODEL_SHARE) as u64).min(memory.saturating_sub(process_reserve(memory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn models_have_most_of_the_memory_and_never_all_of_it() {
        for (memory, models) in [(16 << 30, 13_743_895_347), (400 * MIB, 320 * MIB), (64 * MIB, 32 * MIB), (8 * MIB, 0)]
        {
            assert_eq!(default_model_memory(memory), models, "{memory}");
        }
    }

    #[test]
    fn models_and_requests_share_what_the_process_leaves() {
        let accounts = Accounts::new(128 * MIB, 80 * MIB);
        assert_eq!((accounts.whole.limit(), accounts.models.limit()), (88 * MIB, 80 * MIB));
        let model = accounts.models.lease(80 * MIB).unwrap();
        assert_eq!(accounts.requests.free(), 8 * MIB);
        drop(model);
        assert_eq!((accounts.requests.free(), accounts.bodies.max_body_bytes()), (88 * MIB, 44 * MIB));
        assert_eq!(Accounts::new(8 * MIB, 80 * MIB).models.limit(), 0);
    }
}

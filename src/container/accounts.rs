//! How a container's memory is divided among models, request bodies and answers.
//!
//! multi-model-server answers 507 only after memory has run out. Here, memory is leased before it is allocated. If
//! there is not enough, SageMaker is told to unload other models, or the client to retry, and everything that is loaded
//! still works.

use std::sync::Arc;

use byoc_account::{Account, system};

use crate::http::server::CONNECTION_MEMORY;
use crate::leased_bytes::MemoryShare;

/// The accounts of a container's memory, all in bytes.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// All memory except the process reserve.
    pub whole: Arc<Account>,
    /// Loaded models, and temporary memory for loading.
    pub models: Arc<Account>,
    /// Requests: their bodies, and the computation of answers.
    pub requests: Arc<Account>,
    /// Bodies that are being received. Large ones get only a part of the requests' memory, so that the rest is free for
    /// answers and small bodies.
    pub bodies: MemoryShare,
}

/// The part of the memory that models may take by default.
const DEFAULT_MODEL_SHARE: f64 = 0.8;

/// The least process reserve, in bytes: the process and its threads need it however small the container is.
const MIN_PROCESS_RESERVE: u64 = 24 << 20;

/// 1/8 of the memory is also reserved, for the buffers of the container's sockets and for fragmentation.
const PROCESS_RESERVE_DIVISOR: u64 = 8;

/// The bytes of `memory` that are reserved for the process itself and belong to no account.
pub fn process_reserve(memory: u64) -> u64 {
    MIN_PROCESS_RESERVE + memory / PROCESS_RESERVE_DIVISOR
}

/// The memory that is assumed if neither a cgroup nor the machine gives its size, in bytes.
const UNKNOWN_MEMORY: u64 = 1 << 30;

/// Large bodies may take 1/2 of the requests' memory.
const BODIES_DIVISOR: u64 = 2;

impl Accounts {
    /// The accounts of a container with `memory` bytes, of which models may take `model_memory`.
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

/// The connection's own lease covers an answer of up to this size, in bytes.
pub(super) const MAX_UNLEASED_ANSWER: u64 = 32 << 10;

/// Connections may take 1/8 of the memory. Further ones wait until one is closed.
const CONNECTIONS_DIVISOR: u64 = 8;

/// The most connections of a container with `memory` bytes.
pub(super) fn max_connections(memory: u64) -> usize {
    usize::try_from(memory / CONNECTIONS_DIVISOR / CONNECTION_MEMORY).unwrap_or(usize::MAX).max(64)
}

impl Accounts {
    /// Bytes that a request cannot get however long it waits: those of models, and a share for connections and other
    /// bodies.
    pub fn unavailable_to_requests(&self) -> u64 {
        self.models.used() + self.requests.limit() / 16
    }
}

/// The container's memory, in bytes.
pub fn container_memory() -> u64 {
    system::memory().unwrap_or(UNKNOWN_MEMORY)
}

/// The bytes of `memory` that models may take by default.
pub fn default_model_memory(memory: u64) -> u64 {
    ((memory as f64 * DEFAULT_MODEL_SHARE) as u64).min(memory.saturating_sub(process_reserve(memory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn models_get_most_of_the_memory_but_never_all_of_it() {
        for (memory, models) in [(16 << 30, 13_743_895_347), (400 * MIB, 320 * MIB), (64 * MIB, 32 * MIB), (8 * MIB, 0)]
        {
            assert_eq!(default_model_memory(memory), models, "{memory}");
        }
    }

    #[test]
    fn models_and_requests_share_all_memory_but_the_process_reserve() {
        let accounts = Accounts::new(128 * MIB, 80 * MIB);
        assert_eq!((accounts.whole.limit(), accounts.models.limit()), (88 * MIB, 80 * MIB));
        let model = accounts.models.lease(80 * MIB).unwrap();
        assert_eq!(accounts.requests.free(), 8 * MIB);
        drop(model);
        assert_eq!((accounts.requests.free(), accounts.bodies.max_body_bytes()), (88 * MIB, 44 * MIB));
        assert_eq!(Accounts::new(8 * MIB, 80 * MIB).models.limit(), 0);
    }
}

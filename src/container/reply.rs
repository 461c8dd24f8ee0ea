//! A model's answer as it is sent, with its leased memory.

use actix_web::web::Bytes;
use byoc_account::Allowance;

use crate::container::accounts::MAX_UNLEASED_ANSWER;
use crate::container::background;
use crate::error::Result;
use crate::leased_bytes::leased;
use byoc_formats::media_types::MediaType;

/// An answer. The memory of each part is released once it is sent.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) content_type: MediaType,
    pub(super) parts: Vec<Bytes>,
}

impl Reply {
    /// Reduces the allowance in which an answer was computed to the bytes of the answer itself.
    ///
    /// # Errors
    /// If the account does not have that many bytes.
    pub(super) fn new(content_type: MediaType, pieces: Vec<Vec<u8>>, allowance: Allowance) -> Result<Reply> {
        let bytes: u64 = pieces.iter().map(|piece| piece.capacity() as u64).sum();
        // The connection's own lease covers a small answer.
        if bytes <= MAX_UNLEASED_ANSWER {
            return Ok(Reply { content_type, parts: pieces.into_iter().map(Bytes::from).collect() });
        }
        // Everything but the answer is free now, but the allocator keeps many of its pages until memory is returned.
        background::record_freed(allowance.max_taken());
        let mut lease = allowance.settle(bytes)?;
        let part = |piece: Vec<u8>| {
            let own = lease.split(piece.capacity() as u64);
            leased(piece, own)
        };
        Ok(Reply { content_type, parts: pieces.into_iter().map(part).collect() })
    }

    /// The answer's length in bytes.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use byoc_account::{Account, Deadline, Lease, Purpose};

    use super::*;

    fn reply(pieces: Vec<Vec<u8>>, account: &std::sync::Arc<Account>) -> Reply {
        let allowance = Allowance::of(Lease::empty(account), Purpose::Answer, Deadline::never());
        let bytes = pieces.iter().map(Vec::capacity).sum();
        allowance.take(bytes).unwrap();
        Reply::new(MediaType::Csv, pieces, allowance).unwrap()
    }

    #[test]
    fn an_answer_releases_its_memory_part_by_part_and_a_small_one_leases_none() {
        let account = Account::new(1 << 30);
        let mut large = reply(vec![vec![1; 1 << 20], vec![2; 3 << 20]], &account);
        assert_eq!((large.len(), account.used()), (4 << 20, 4 << 20));
        drop(large.parts.pop());
        assert_eq!(account.used(), 1 << 20);
        drop(large);
        assert_eq!(account.used(), 0);
        let small = reply(vec![vec![1; 100]], &account);
        assert_eq!((small.len(), account.used()), (100, 0));
    }
}

//! Request and response bodies whose memory is leased as they arrive.
//!
//! A partly received body must not use memory that no account counts. [`MemoryShare`] limits the memory that bodies may
//! lease. [`LeasedBuffer`] leases memory before it allocates it, and becomes [`Bytes`] that own their lease and return
//! it when their last clone is dropped.

use std::sync::Arc;

use byoc_account::{Account, Lease, Shortage};
use bytes::Bytes;

/// The size limit of a small body, which is accepted as long as any memory is left.
pub const SMALL_BODY_BYTES: u64 = 64 << 10;

/// The memory that bodies may lease. Large bodies are limited to a part of it, so that they cannot block small ones.
#[derive(Clone, Debug)]
pub struct MemoryShare {
    whole: Arc<Account>,
    large: Arc<Account>,
}

impl MemoryShare {
    /// A share of an account, in which all large bodies together may take `large` bytes.
    pub fn of(whole: &Arc<Account>, large: u64) -> MemoryShare {
        MemoryShare { whole: Arc::clone(whole), large: Account::within(whole, large) }
    }

    /// A share of the same account whose large bodies may take `large` bytes of this share's part for large bodies.
    #[must_use]
    pub fn with_large_limit(&self, large: u64) -> MemoryShare {
        MemoryShare { whole: Arc::clone(&self.whole), large: Account::within(&self.large, large) }
    }

    /// A share in which all bodies count as large.
    #[must_use]
    pub fn large_only(&self) -> MemoryShare {
        MemoryShare { whole: Arc::clone(&self.large), large: Arc::clone(&self.large) }
    }

    /// A share without a limit, for tests and for programs whose other limits are small.
    pub fn unbounded() -> MemoryShare {
        MemoryShare::of(&Account::new(u64::MAX), u64::MAX)
    }

    /// The size of the largest body that can ever be leased.
    pub fn max_body_bytes(&self) -> u64 {
        self.large.limit().max(SMALL_BODY_BYTES.min(self.whole.limit()))
    }

    fn account(&self, bytes: u64) -> &Arc<Account> {
        if bytes <= SMALL_BODY_BYTES { &self.whole } else { &self.large }
    }

    /// Leases memory.
    ///
    /// # Errors
    /// [`InsufficientMemory`].
    pub fn lease(&self, bytes: u64) -> Result<Lease, InsufficientMemory> {
        self.account(bytes).lease(bytes).map_err(|shortage| self.insufficient(shortage))
    }

    fn insufficient(&self, shortage: Shortage) -> InsufficientMemory {
        if shortage.needed > self.max_body_bytes() {
            InsufficientMemory::NeverFits(self.max_body_bytes())
        } else {
            InsufficientMemory::NotNow
        }
    }
}

impl Default for MemoryShare {
    fn default() -> MemoryShare {
        MemoryShare::unbounded()
    }
}

/// Why memory for a body cannot be leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsufficientMemory {
    /// The body is larger than this maximum, the largest body that can ever be leased.
    NeverFits(u64),
    /// Other bodies use the memory at the moment.
    NotNow,
}

/// The buffer of a body that is arriving.
#[derive(Debug)]
pub struct LeasedBuffer {
    share: MemoryShare,
    lease: Lease,
    buffer: Vec<u8>,
    /// The maximum length of the body.
    max_bytes: usize,
    /// Whether its announced length is large. Then its first bytes do not count as a small body.
    is_large: bool,
}

impl LeasedBuffer {
    /// An empty buffer for a body whose length was announced. Nothing is leased yet.
    pub fn new(share: &MemoryShare, announced: usize) -> LeasedBuffer {
        let is_large = announced as u64 > SMALL_BODY_BYTES;
        LeasedBuffer { is_large, ..LeasedBuffer::of_unknown_size(share, announced) }
    }

    /// An empty buffer for a body of any length up to `max_bytes`. Nothing is leased yet.
    pub fn of_unknown_size(share: &MemoryShare, max_bytes: usize) -> LeasedBuffer {
        let lease = Lease::empty(&share.whole);
        LeasedBuffer { share: share.clone(), lease, buffer: Vec::new(), max_bytes, is_large: false }
    }

    /// The number of bytes received so far.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether no bytes were received yet.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// [`InsufficientMemory`], and the buffer is unchanged.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InsufficientMemory> {
        let needed = self.buffer.len().saturating_add(piece.len());
        if needed > self.buffer.capacity() {
            self.grow(needed)?;
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// Doubles the capacity up to the maximum length of the body. Pushing takes amortized constant time, and at most
    /// twice the received bytes are leased.
    fn grow(&mut self, needed: usize) -> Result<(), InsufficientMemory> {
        let twice = self.buffer.capacity().saturating_mul(2).min(self.max_bytes).max(needed);
        let capacity = match self.resize_lease(twice as u64) {
            Ok(()) => twice,
            // Memory may suffice for `needed` bytes even if it does not for twice the capacity.
            Err(_) => self.resize_lease(needed as u64).map(|()| needed)?,
        };
        self.buffer.reserve_exact(capacity - self.buffer.len());
        Ok(())
    }

    fn resize_lease(&mut self, bytes: u64) -> Result<(), InsufficientMemory> {
        let account = if self.is_large { &self.share.large } else { self.share.account(bytes) };
        if Arc::ptr_eq(self.lease.account(), account) {
            return self.lease.resize(bytes).map_err(|shortage| self.share.insufficient(shortage));
        }
        // The body was small until now. The old lease is returned after the new one is made.
        self.lease = account.lease(bytes).map_err(|shortage| self.share.insufficient(shortage))?;
        Ok(())
    }

    /// The received bytes, which own their lease.
    pub fn finish(mut self) -> Bytes {
        if self.buffer.is_empty() {
            return Bytes::new();
        }
        // Shrinking copies the bytes, which is worth it only if it frees more than a small body.
        if self.buffer.capacity() > self.buffer.len() + SMALL_BODY_BYTES as usize {
            self.buffer.shrink_to_fit();
        }
        // Shrinking a lease cannot fail.
        let _ = self.lease.resize(self.buffer.capacity() as u64);
        leased(self.buffer, self.lease)
    }
}

/// Bytes that own their lease until their last clone is dropped.
pub fn leased(bytes: Vec<u8>, lease: Lease) -> Bytes {
    struct Leased {
        bytes: Vec<u8>,
        _lease: Lease,
    }
    impl AsRef<[u8]> for Leased {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(Leased { bytes, _lease: lease })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 16 << 10;

    #[test]
    fn bytes_are_leased_until_their_last_clone_is_dropped() {
        let account = Account::new(1 << 20);
        let share = MemoryShare::of(&account, 1 << 19);
        let mut arriving = LeasedBuffer::new(&share, 100_000);
        assert_eq!(account.used(), 0, "an announced length leases nothing");
        let mut most = 0;
        for piece in vec![7_u8; 100_000].chunks(PIECE) {
            arriving.push(piece).unwrap();
            most = most.max(account.used());
            assert!(account.used() >= arriving.len() as u64);
            assert!(account.used() <= 2 * arriving.len() as u64, "{} for {}", account.used(), arriving.len());
        }
        assert_eq!(most, 100_000, "never more than was announced");
        let bytes = arriving.finish();
        let copy = bytes.slice(5..);
        drop(bytes);
        assert_eq!((copy.len(), account.used()), (99_995, 100_000));
        drop(copy);
        assert_eq!(account.used(), 0);
    }

    #[test]
    fn small_bodies_fit_where_large_ones_do_not() {
        let account = Account::new(1 << 20);
        let share = MemoryShare::of(&account, 1 << 19);
        let held = share.lease(1 << 19).unwrap();
        let mut announced = LeasedBuffer::new(&share, 1 << 19);
        assert_eq!(announced.push(&[0; PIECE]), Err(InsufficientMemory::NotNow), "it was announced as large");
        let mut large = LeasedBuffer::of_unknown_size(&share, 1 << 19);
        let taken = std::iter::repeat_n([0; PIECE], 32).map(|piece| large.push(&piece)).collect::<Vec<_>>();
        assert_eq!(taken.iter().position(Result::is_err), Some((SMALL_BODY_BYTES as usize) / PIECE));
        assert_eq!(taken.last(), Some(&Err(InsufficientMemory::NotNow)));
        let mut small = LeasedBuffer::new(&share, SMALL_BODY_BYTES as usize);
        for _ in 0..4 {
            small.push(&[0; PIECE]).unwrap();
        }
        drop((announced, large, small, held));
        assert_eq!(account.used(), 0);
    }

    #[test]
    fn bodies_that_never_fit_are_distinguished_from_those_that_do_not_fit_now() {
        let share = MemoryShare::of(&Account::new(1 << 20), 1 << 19);
        assert_eq!(share.max_body_bytes(), 1 << 19);
        let mut arriving = LeasedBuffer::of_unknown_size(&share, usize::MAX);
        assert_eq!(arriving.push(&vec![0; (1 << 19) + 1]), Err(InsufficientMemory::NeverFits(1 << 19)));
        arriving.push(&vec![0; 1 << 19]).unwrap();
        assert_eq!(arriving.push(&[0]), Err(InsufficientMemory::NeverFits(1 << 19)));
        assert_eq!(share.lease(1 << 18).map(drop), Err(InsufficientMemory::NotNow));
    }

    #[test]
    fn a_body_shorter_than_announced_leases_only_its_own_bytes() {
        let account = Account::new(u64::MAX);
        let mut arriving = LeasedBuffer::new(&MemoryShare::of(&account, u64::MAX), 10 << 20);
        for _ in 0..65 {
            arriving.push(&[1; PIECE]).unwrap();
        }
        let bytes = arriving.finish();
        assert_eq!(bytes.len(), 65 * PIECE);
        assert!(account.used() <= 65 * PIECE as u64 + SMALL_BODY_BYTES, "{}", account.used());
        assert!(LeasedBuffer::new(&MemoryShare::unbounded(), 5).finish().is_empty());
    }
}

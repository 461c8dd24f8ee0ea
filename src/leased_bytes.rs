//! Request and response bodies whose memory is leased as they arrive.
//!
//! A client that has sent part of a large body must not hold memory that no account counts. [`MemoryShare`] is what
//! bodies may lease, [`LeasedBuffer`] leases memory before it allocates it, and its result is [`Bytes`] that own their
//! lease: it is given back when their last copy is dropped.

use std::sync::Arc;

use byoc_account::{Account, Lease, Shortage};
use bytes::Bytes;

/// A body of at most this many bytes is small: it is accepted as long as any memory is left.
pub const SMALL: u64 = 64 << 10;

/// The memory that bodies may lease. Large ones may take only a part of it, so that small ones never wait for them.
#[derive(Clone, Debug)]
pub struct MemoryShare {
    whole: Arc<Account>,
    large: Arc<Account>,
}

impl MemoryShare {
    /// A share of an account. Large bodies may take `large` bytes of it together.
    pub fn of(whole: &Arc<Account>, large: u64) -> MemoryShare {
        MemoryShare { whole: Arc::clone(whole), large: Account::within(whole, large) }
    }

    /// A share of the same account in which large bodies may take `large` bytes, out of those for large bodies here.
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

    /// The most bytes that one body can ever have.
    pub fn most(&self) -> u64 {
        self.large.limit().max(SMALL.min(self.whole.limit()))
    }

    fn account(&self, bytes: u64) -> &Arc<Account> {
        if bytes <= SMALL { &self.whole } else { &self.large }
    }

    /// Leases memory.
    ///
    /// # Errors
    /// [`InsufficientMemory`].
    pub fn lease(&self, bytes: u64) -> Result<Lease, InsufficientMemory> {
        self.account(bytes).lease(bytes).map_err(|shortage| self.insufficient(shortage))
    }

    fn insufficient(&self, shortage: Shortage) -> InsufficientMemory {
        if shortage.needed > self.most() {
            InsufficientMemory::NeverFits(self.most())
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
    /// The body is larger than this, the most bytes that there can ever be memory for.
    NeverFits(u64),
    /// Other bodies hold the memory at the moment.
    NotNow,
}

/// The buffer of a body that is arriving.
#[derive(Debug)]
pub struct LeasedBuffer {
    share: MemoryShare,
    lease: Lease,
    buffer: Vec<u8>,
    /// The most bytes that the body can have.
    most: usize,
    /// Whether it was announced as large: then its first bytes do not count as a small body.
    is_large: bool,
}

impl LeasedBuffer {
    /// An empty buffer for a body whose length was announced. Nothing is leased yet.
    pub fn new(share: &MemoryShare, announced: usize) -> LeasedBuffer {
        let is_large = announced as u64 > SMALL;
        LeasedBuffer { is_large, ..LeasedBuffer::of_unknown_size(share, announced) }
    }

    /// An empty buffer for a body of any length up to `most`. Nothing is leased yet.
    pub fn of_unknown_size(share: &MemoryShare, most: usize) -> LeasedBuffer {
        let lease = Lease::empty(&share.whole);
        LeasedBuffer { share: share.clone(), lease, buffer: Vec::new(), most, is_large: false }
    }

    /// How many bytes have arrived.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has arrived.
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

    /// Doubles the capacity, but not beyond the most that can arrive: pushing stays linear, and at most twice the bytes
    /// that have arrived are leased.
    fn grow(&mut self, needed: usize) -> Result<(), InsufficientMemory> {
        let twice = self.buffer.capacity().saturating_mul(2).min(self.most).max(needed);
        let capacity = match self.resize_lease(twice as u64) {
            Ok(()) => twice,
            // There may be memory for what is needed where there is none for twice as much.
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
        // It was small until now. The old lease is given back once the new one is made.
        self.lease = account.lease(bytes).map_err(|shortage| self.share.insufficient(shortage))?;
        Ok(())
    }

    /// The bytes that have arrived. They own their lease.
    pub fn finish(mut self) -> Bytes {
        if self.buffer.is_empty() {
            return Bytes::new();
        }
        // Shrinking copies, so it is done only if it frees more than a small body.
        if self.buffer.capacity() > self.buffer.len() + SMALL as usize {
            self.buffer.shrink_to_fit();
        }
        // A lease can always shrink.
        let _ = self.lease.resize(self.buffer.capacity() as u64);
        leased(self.buffer, self.lease)
    }
}

/// Bytes that own their lease until their last copy is dropped.
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
    fn bytes_are_leased_until_their_last_copy_is_dropped() {
        let account = Account::new(1 << 20);
        let share = MemoryShare::of(&account, 1 << 19);
        let mut arriving = LeasedBuffer::new(&share, 100_000);
        assert_eq!(account.used(), 0, "nothing is set aside for what has not come");
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
        assert_eq!(taken.iter().position(Result::is_err), Some((SMALL as usize) / PIECE));
        assert_eq!(taken.last(), Some(&Err(InsufficientMemory::NotNow)));
        let mut small = LeasedBuffer::new(&share, SMALL as usize);
        for _ in 0..4 {
            small.push(&[0; PIECE]).unwrap();
        }
        drop((announced, large, small, held));
        assert_eq!(account.used(), 0);
    }

    #[test]
    fn bodies_that_never_fit_are_distinguished_from_those_that_do_not_fit_now() {
        let share = MemoryShare::of(&Account::new(1 << 20), 1 << 19);
        assert_eq!(share.most(), 1 << 19);
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
        assert!(account.used() <= 65 * PIECE as u64 + SMALL, "{}", account.used());
        assert!(LeasedBuffer::new(&MemoryShare::unbounded(), 5).finish().is_empty());
    }
}

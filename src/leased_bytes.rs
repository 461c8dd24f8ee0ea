//! Bytes that are under way: bodies and answers, leased piece by piece as they arrive.
//!
//! Whoever has sent a part of something large must not hold memory that nobody counted. [`MemoryShare`] says what may be leased,
//! [`LeasedBuffer`] is a buffer that leases what it is about to allocate, and what comes out of it is [`Bytes`] that have their
//! lease with them: it is given back when the last copy of them is dropped, wherever that is.

use std::sync::Arc;

use byoc_account::{Account, Lease, Shortage};
use bytes::Bytes;

/// What is at most this large is small: it is let in as long as there is anything left at all.
pub const SMALL: u64 = 64 << 10;

/// What bytes under way may be leased from. Large ones get a part of the whole only, so that small ones never wait for them.
#[derive(Clone, Debug)]
pub struct MemoryShare {
    whole: Arc<Account>,
    large: Arc<Account>,
}

impl MemoryShare {
    /// A share of an account of which so many bytes are for what is large.
    pub fn of(whole: &Arc<Account>, large: u64) -> MemoryShare {
        MemoryShare { whole: Arc::clone(whole), large: Account::within(whole, large) }
    }

    /// A share in which large ones get a part of what large ones get here.
    #[must_use]
    pub fn with_large_limit(&self, large: u64) -> MemoryShare {
        MemoryShare { whole: Arc::clone(&self.whole), large: Account::within(&self.large, large) }
    }

    /// A share in which all get what large ones get here.
    #[must_use]
    pub fn large_only(&self) -> MemoryShare {
        MemoryShare { whole: Arc::clone(&self.large), large: Arc::clone(&self.large) }
    }

    /// For what nobody bounds: tests, and programs whose own limits are small.
    pub fn unbounded() -> MemoryShare {
        MemoryShare::of(&Account::new(u64::MAX), u64::MAX)
    }

    /// The most bytes that one body could ever have.
    pub fn most(&self) -> u64 {
        self.large.limit().max(SMALL.min(self.whole.limit()))
    }

    fn account(&self, bytes: u64) -> &Arc<Account> {
        if bytes <= SMALL { &self.whole } else { &self.large }
    }

    /// Sets bytes aside.
    ///
    /// # Errors
    /// When they are not there.
    pub fn lease(&self, bytes: u64) -> Result<Lease, InsufficientMemory> {
        self.account(bytes).lease(bytes).map_err(|shortage| self.no_room(shortage))
    }

    fn no_room(&self, shortage: Shortage) -> InsufficientMemory {
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

/// Why bytes cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsufficientMemory {
    /// There are more of them than there could ever be; so many could.
    NeverFits(u64),
    /// Others hold what they would need.
    NotNow,
}

/// A body on its way.
#[derive(Debug)]
pub struct LeasedBuffer {
    share: MemoryShare,
    lease: Lease,
    buffer: Vec<u8>,
    /// How large it will be at most.
    most: usize,
    /// Whether it was said to be large: then it is not small before that.
    is_large: bool,
}

impl LeasedBuffer {
    /// Nothing yet of what will have so many bytes, as was announced. Nothing is set aside for them.
    pub fn new(share: &MemoryShare, announced: usize) -> LeasedBuffer {
        let is_large = announced as u64 > SMALL;
        LeasedBuffer { is_large, ..LeasedBuffer::of_unknown_size(share, announced) }
    }

    /// The same of what may have any number of bytes up to this.
    pub fn of_unknown_size(share: &MemoryShare, most: usize) -> LeasedBuffer {
        let lease = Lease::empty(&share.whole);
        LeasedBuffer { share: share.clone(), lease, buffer: Vec::new(), most, is_large: false }
    }

    /// How much has arrived.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// When there is no room for it; nothing has changed then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InsufficientMemory> {
        let needed = self.buffer.len().saturating_add(piece.len());
        if needed > self.buffer.capacity() {
            self.make_room(needed)?;
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// Room that has to be made is twice what there was, but no more than could come: pushing stays linear, and what is
    /// leased is at most twice what has arrived.
    fn make_room(&mut self, needed: usize) -> Result<(), InsufficientMemory> {
        let twice = self.buffer.capacity().saturating_mul(2).min(self.most).max(needed);
        let capacity = match self.set_aside(twice as u64) {
            Ok(()) => twice,
            // Twice as much may not be there where what is needed is.
            Err(_) => self.set_aside(needed as u64).map(|()| needed)?,
        };
        self.buffer.reserve_exact(capacity - self.buffer.len());
        Ok(())
    }

    fn set_aside(&mut self, bytes: u64) -> Result<(), InsufficientMemory> {
        let account = if self.is_large { &self.share.large } else { self.share.account(bytes) };
        if Arc::ptr_eq(self.lease.account(), account) {
            return self.lease.resize(bytes).map_err(|shortage| self.share.no_room(shortage));
        }
        // It was small; what it had is given back once it has what it needs.
        self.lease = account.lease(bytes).map_err(|shortage| self.share.no_room(shortage))?;
        Ok(())
    }

    /// What has arrived, with its lease.
    pub fn finish(mut self) -> Bytes {
        if self.buffer.is_empty() {
            return Bytes::new();
        }
        // Beyond what was announced nothing was set aside; what was not needed goes back where that costs little.
        if self.buffer.capacity() > self.buffer.len() + SMALL as usize {
            self.buffer.shrink_to_fit();
        }
        // Giving back cannot fail.
        let _ = self.lease.resize(self.buffer.capacity() as u64);
        leased(self.buffer, self.lease)
    }
}

/// Bytes that have their lease with them, until the last copy of them is dropped.
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
    fn what_arrives_is_leased_until_the_last_copy_is_dropped() {
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
    fn what_is_small_has_room_where_what_is_large_has_not() {
        let account = Account::new(1 << 20);
        let share = MemoryShare::of(&account, 1 << 19);
        let held = share.lease(1 << 19).unwrap();
        let mut announced = LeasedBuffer::new(&share, 1 << 19);
        assert_eq!(announced.push(&[0; PIECE]), Err(InsufficientMemory::NotNow), "it was said that it will be large");
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
    fn what_can_never_fit_is_told_from_what_does_not_fit_now() {
        let share = MemoryShare::of(&Account::new(1 << 20), 1 << 19);
        assert_eq!(share.most(), 1 << 19);
        let mut arriving = LeasedBuffer::of_unknown_size(&share, usize::MAX);
        assert_eq!(arriving.push(&vec![0; (1 << 19) + 1]), Err(InsufficientMemory::NeverFits(1 << 19)));
        arriving.push(&vec![0; 1 << 19]).unwrap();
        assert_eq!(arriving.push(&[0]), Err(InsufficientMemory::NeverFits(1 << 19)));
        assert_eq!(share.lease(1 << 18).map(drop), Err(InsufficientMemory::NotNow));
    }

    #[test]
    fn a_body_that_is_shorter_than_was_said_holds_what_it_has() {
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

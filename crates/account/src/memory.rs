//! Accounts and leases.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A budget of bytes for one purpose, and how much of it is in use.
#[derive(Debug)]
pub struct Account {
    limit: u64,
    used: AtomicU64,
    /// The highest value of `used`.
    peak: AtomicU64,
    /// The enclosing account. Leased bytes count in both.
    within: Option<Arc<Account>>,
}

/// Bytes taken from an account. Dropping the lease returns them.
#[derive(Debug)]
pub struct Lease {
    account: Arc<Account>,
    bytes: u64,
}

/// An account has fewer free bytes than requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Bytes needed, including those that the lease already has.
    pub needed: u64,
    /// Bytes free, including those that the lease already has.
    pub free: u64,
    /// Total bytes of the account.
    pub limit: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage { needed, free, limit } = self;
        write!(f, "it needs {needed} bytes; {free} of {limit} bytes are free")
    }
}

impl Account {
    /// An account of `limit` bytes.
    pub fn new(limit: u64) -> Arc<Account> {
        Arc::new(Account { limit, used: AtomicU64::new(0), peak: AtomicU64::new(0), within: None })
    }

    /// An account within another one. Its `limit` reserves nothing: bytes count in both accounts once they are leased.
    pub fn within(other: &Arc<Account>, limit: u64) -> Arc<Account> {
        let within = Some(Arc::clone(other));
        Arc::new(Account { limit, used: AtomicU64::new(0), peak: AtomicU64::new(0), within })
    }

    /// The most bytes that can be in use, given the limits of all enclosing accounts.
    pub fn limit(&self) -> u64 {
        match &self.within {
            Some(outer) => self.limit.min(outer.limit()),
            None => self.limit,
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// The highest number of bytes that were ever in use.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Acquire)
    }

    /// Bytes that can be leased now.
    pub fn free(&self) -> u64 {
        let own = self.limit.saturating_sub(self.used());
        self.within.as_ref().map_or(own, |outer| own.min(outer.free()))
    }

    /// Leases bytes.
    ///
    /// # Errors
    /// [`Shortage`], and nothing is leased.
    pub fn lease(self: &Arc<Account>, bytes: u64) -> Result<Lease, Shortage> {
        let mut lease = Lease { account: Arc::clone(self), bytes: 0 };
        lease.grow(bytes)?;
        Ok(lease)
    }

    fn take(&self, bytes: u64) -> Result<(), Shortage> {
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(bytes).filter(|after| *after <= self.limit)
        });
        let before = taken.map_err(|used| Shortage {
            needed: bytes,
            free: self.limit.saturating_sub(used),
            limit: self.limit,
        })?;
        if let Some(outer) = &self.within
            && let Err(shortage) = outer.take(bytes)
        {
            self.used.fetch_sub(bytes, Ordering::AcqRel);
            return Err(shortage);
        }
        self.peak.fetch_max(before + bytes, Ordering::AcqRel);
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        if let Some(outer) = &self.within {
            outer.give_back(bytes);
        }
    }
}

impl Lease {
    /// A lease of 0 bytes.
    pub fn empty(account: &Arc<Account>) -> Lease {
        Lease { account: Arc::clone(account), bytes: 0 }
    }

    /// Bytes leased.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The account that the bytes come from.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Leases more bytes.
    ///
    /// # Errors
    /// [`Shortage`], and the lease is unchanged.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Shortage> {
        if bytes == 0 {
            return Ok(());
        }
        self.account.take(bytes).map_err(|shortage| Shortage {
            needed: bytes.saturating_add(self.bytes),
            free: shortage.free.saturating_add(self.bytes),
            limit: shortage.limit,
        })?;
        self.bytes += bytes;
        Ok(())
    }

    /// Returns up to `bytes` to the account.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        if bytes > 0 {
            self.account.give_back(bytes);
            self.bytes -= bytes;
        }
    }

    /// Moves up to `bytes` to a new lease.
    #[must_use]
    pub fn split(&mut self, bytes: u64) -> Lease {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Lease { account: Arc::clone(&self.account), bytes }
    }

    /// Grows or shrinks the lease to `bytes`.
    ///
    /// # Errors
    /// [`Shortage`], and the lease is unchanged.
    pub fn resize(&mut self, bytes: u64) -> Result<(), Shortage> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.shrink(self.bytes - bytes);
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lease_returns_its_bytes() {
        let account = Account::new(100);
        let first = account.lease(60).unwrap();
        assert_eq!(account.lease(41).unwrap_err(), Shortage { needed: 41, free: 40, limit: 100 });
        assert_eq!((account.used(), account.free()), (60, 40));
        drop(first);
        assert_eq!((account.used(), account.peak()), (0, 60));
        assert!(account.lease(100).is_ok());
    }

    #[test]
    fn a_lease_grows_and_shrinks_and_a_shortage_includes_its_own_bytes() {
        let account = Account::new(100);
        let mut lease = account.lease(60).unwrap();
        lease.resize(10).unwrap();
        assert_eq!((lease.bytes(), account.used()), (10, 10));
        lease.resize(90).unwrap();
        assert_eq!(lease.grow(11).unwrap_err(), Shortage { needed: 101, free: 100, limit: 100 });
        assert_eq!((lease.bytes(), account.used()), (90, 90));
        lease.shrink(1000);
        assert_eq!(account.used(), 0);
    }

    #[test]
    fn a_split_lease_is_returned_on_its_own() {
        let account = Account::new(100);
        let mut lease = account.lease(60).unwrap();
        let part = lease.split(40);
        assert_eq!((lease.bytes(), part.bytes(), account.used()), (20, 40, 60));
        drop(part);
        assert_eq!(account.used(), 20);
        let rest = lease.split(1000);
        drop(lease);
        assert_eq!((rest.bytes(), account.used()), (20, 20));
    }

    #[test]
    fn bytes_leased_from_a_nested_account_count_in_the_enclosing_one() {
        let whole = Account::new(100);
        let (models, requests) = (Account::within(&whole, 80), Account::within(&whole, 90));
        let model = models.lease(70).unwrap();
        assert_eq!((whole.used(), models.free(), requests.free()), (70, 10, 30));
        assert_eq!(requests.lease(31).unwrap_err(), Shortage { needed: 31, free: 30, limit: 100 });
        assert_eq!(requests.used(), 0, "a refused lease takes nothing from the nested account");
        drop(model);
        assert_eq!((whole.used(), models.used()), (0, 0));
        let request = requests.lease(90).unwrap();
        assert_eq!((request.bytes(), requests.used(), whole.used(), models.free()), (90, 90, 90, 10));
        drop(request);
        assert_eq!((whole.used(), requests.used(), whole.peak()), (0, 0, 90));
        assert_eq!(Account::within(&whole, 1000).limit(), 100);
    }

    #[test]
    fn leasing_never_overflows() {
        let account = Account::new(u64::MAX);
        let mut most = account.lease(u64::MAX).unwrap();
        assert_eq!(account.lease(1).unwrap_err(), Shortage { needed: 1, free: 0, limit: u64::MAX });
        let shortage = Shortage { needed: u64::MAX, free: u64::MAX, limit: u64::MAX };
        assert_eq!(most.grow(u64::MAX).unwrap_err(), shortage);
        assert_eq!((most.bytes(), account.used()), (u64::MAX, u64::MAX), "a refusal leaves the lease as it was");
        drop(most);
        assert_eq!(account.used(), 0);
    }

    #[test]
    fn threads_never_take_more_than_the_limit_together() {
        // Eight threads each lease 300 bytes at the same time. Both 900 and 1000 bytes suffice for three of them.
        let whole = Account::new(1000);
        let part = Account::within(&whole, 900);
        let (granted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for account in [&whole, &part].repeat(4) {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let lease = account.lease(300);
                        let count = if lease.is_ok() { &granted } else { &refused };
                        count.fetch_add(1, Ordering::Relaxed);
                        // All threads lease before any returns its bytes, and all return before any leases again.
                        barrier.wait();
                        drop(lease);
                        barrier.wait();
                    }
                });
            }
        });
        assert_eq!((granted.into_inner(), refused.into_inner()), (300, 500));
        assert_eq!((whole.used(), part.used(), whole.peak()), (0, 0, 900));
    }
}

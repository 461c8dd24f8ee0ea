//! The disk budget for artifacts that are being fetched: downloaded archives and the files that are unpacked from them.
//!
//! An artifact may have as many bytes as all unpacked models together. Concurrent fetches share twice that size, since
//! an archive and its unpacked files exist at the same time. Bytes are reserved before they are written. A fetch that
//! finds too few bytes left releases its own, waits until the others have ended, and starts again exclusively. So no
//! fetch holds bytes while it waits for more, and there is no deadlock.

use std::future::Future;
use std::sync::Arc;

use byoc_account::{Account, Lease};
use tokio::sync::RwLock;

use super::FetchError;

/// The disk space for artifacts that are being fetched.
#[derive(Debug)]
pub struct DiskBudget {
    limit: u64,
    account: Arc<Account>,
    /// Locked for reading by concurrent fetches, and for writing by an exclusive one.
    sharing: RwLock<()>,
}

/// The bytes that one fetch has reserved. They are released when this is dropped.
#[derive(Debug)]
pub struct DiskReservation {
    limit: u64,
    lease: Lease,
}

/// Other fetches hold the disk space that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl DiskBudget {
    /// A budget for a disk on which unpacked models may take `limit` bytes.
    pub fn new(limit: u64) -> DiskBudget {
        DiskBudget { limit, account: Account::new(limit.saturating_mul(2)), sharing: RwLock::default() }
    }

    /// The number of bytes that unpacked models may take.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Fetches an artifact within this budget: concurrently with others if there is enough space, otherwise
    /// exclusively. In that case, `fetch` is called twice.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn fetch<F, T>(&self, fetch: impl Fn(DiskReservation) -> F) -> Result<T, FetchError>
    where
        F: Future<Output = Result<T, FetchError>>,
    {
        let shared = self.sharing.read().await;
        let fetched = fetch(self.reservation()).await;
        drop(shared);
        if !matches!(fetched, Err(FetchError::DiskBusy)) {
            return fetched;
        }
        let _exclusive = self.sharing.write().await;
        fetch(self.reservation()).await
    }

    fn reservation(&self) -> DiskReservation {
        DiskReservation { limit: self.limit, lease: Lease::empty(&self.account) }
    }
}

impl DiskReservation {
    /// The number of bytes that the archive may have, and that its files may have.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Reserves bytes that are about to be written.
    ///
    /// # Errors
    /// [`Busy`] if other fetches hold them.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), Busy> {
        self.lease.grow(bytes).map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[actix_web::test]
    async fn a_fetch_without_enough_space_releases_its_own_waits_and_then_runs_exclusively() {
        let disk = Arc::new(DiskBudget::new(10));
        let (tries, other) = (Arc::new(AtomicUsize::new(0)), disk.reservation());
        let mut other = other;
        other.reserve(15).unwrap();
        let beside = disk.sharing.read().await;
        let waiting = {
            let (disk, tries) = (Arc::clone(&disk), Arc::clone(&tries));
            actix_web::rt::spawn(async move {
                disk.fetch(|mut reservation| {
                    let tries = Arc::clone(&tries);
                    async move {
                        tries.fetch_add(1, Ordering::SeqCst);
                        reservation
                            .reserve(4)
                            .and_then(|()| reservation.reserve(4))
                            .map_err(|Busy| FetchError::DiskBusy)?;
                        Ok(8)
                    }
                })
                .await
            })
        };
        // Wait until it is queued for exclusive access: from then on, no other fetch may share the disk.
        while disk.sharing.try_read().is_ok() {
            tokio::task::yield_now().await;
        }
        assert_eq!((tries.load(Ordering::SeqCst), disk.account.used()), (1, 15));
        drop(other);
        drop(beside);
        assert_eq!(waiting.await.unwrap(), Ok(8));
        assert_eq!((tries.load(Ordering::SeqCst), disk.account.used()), (2, 0));
    }
}

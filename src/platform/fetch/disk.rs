//! How much of the disk artifacts take that are on their way: archives that come, and what is unpacked of them.
//!
//! Each may have as many bytes as all unpacked models together; what comes at the same time shares twice that, since an
//! archive and its contents are there together. Bytes are taken before they are written. Whoever finds that others hold
//! what it needs begins anew when they are done, and then alone: nothing waits for bytes while it holds some.

use std::future::Future;
use std::sync::Arc;

use byoc_account::{Account, Lease};
use tokio::sync::RwLock;

use super::FetchError;

/// The disk for what is on its way.
#[derive(Debug)]
pub struct DiskBudget {
    limit: u64,
    account: Arc<Account>,
    /// Read by those that share the disk, written by one that has it alone.
    sharing: RwLock<()>,
}

/// One artifact on its way; what it takes is given back when this is dropped.
#[derive(Debug)]
pub struct DiskReservation {
    limit: u64,
    lease: Lease,
}

/// Others that are on their way hold the disk that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl DiskBudget {
    /// A disk on which unpacked models may take so many bytes.
    pub fn new(limit: u64) -> DiskBudget {
        DiskBudget { limit, account: Account::new(limit.saturating_mul(2)), sharing: RwLock::default() }
    }

    /// How many bytes unpacked models may take.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Fetches an artifact within this disk, beside others if there is room for all.
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
    /// How many bytes the archive may have, and its contents as well.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes bytes that are about to be written.
    ///
    /// # Errors
    /// When others hold them.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), Busy> {
        self.lease.grow(bytes).map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[actix_web::test]
    async fn what_others_hold_is_waited_for_without_holding_any_and_then_had_alone() {
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
        // It stands in line for the disk alone: nobody else may share it from now on.
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

//! What one piece of work may take: bytes while it goes on, and time.

use super::deadline::Deadline;
use super::memory::{Account, Lease, Shortage};
use std::cell::{Cell, RefCell};
use std::fmt;

/// A lease that grows with the work, and the work's deadline. It belongs to the one thread that works.
///
/// Readers and transformers take what they are about to allocate, and give back what they have freed. Bytes are leased some
/// at a time, so that most takings cost a comparison.
#[derive(Debug)]
pub struct Allowance {
    purpose: Purpose,
    lease: RefCell<Lease>,
    /// Bytes that are leased and not taken.
    spare: Cell<u64>,
    taken: Cell<u64>,
    most_taken: Cell<u64>,
    /// The most that the account could ever give to this work.
    ceiling: u64,
    deadline: Deadline,
}

/// What the work is for: that decides what its caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To answer a request.
    Answer,
    /// To load a model, or to look into one.
    Load,
}

/// Why work cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// It needs more memory than it could ever have here.
    NeverFits(Purpose, Shortage),
    /// It needs more memory than is free now.
    NotNow(Purpose, Shortage),
    /// Its deadline has passed.
    TooLate,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exceeded::NeverFits(_, shortage) | Exceeded::NotNow(_, shortage) => shortage.fmt(f),
            Exceeded::TooLate => f.write_str("its deadline has passed"),
        }
    }
}

impl std::error::Error for Exceeded {}

/// How much is leased at once, and how much may lie idle before it is given back.
const STEP: u64 = 256 << 10;

impl Allowance {
    /// An allowance that grows out of a lease: what is in it counts as taken.
    pub fn of(lease: Lease, purpose: Purpose, deadline: Deadline) -> Allowance {
        let (taken, ceiling) = (lease.bytes(), lease.account().limit());
        Allowance {
            purpose,
            lease: RefCell::new(lease),
            spare: Cell::new(0),
            taken: Cell::new(taken),
            most_taken: Cell::new(taken),
            ceiling,
            deadline,
        }
    }

    /// The same with some bytes to spare that are set aside once for a thread that does one work after the other.
    #[must_use]
    pub fn with_standing(self, bytes: u64) -> Allowance {
        Allowance { spare: Cell::new(self.spare.get() + bytes), ..self }
    }

    /// The same in an account of which so many bytes are held by what stays: more than the others will never be free.
    #[must_use]
    pub fn beside(self, held: u64) -> Allowance {
        Allowance { ceiling: self.ceiling.saturating_sub(held), ..self }
    }

    /// For work that nobody bounds: tests, and programs that end with it.
    pub fn unbounded() -> Allowance {
        let account = Account::new(u64::MAX);
        let lease = Lease::empty(&account);
        Allowance::of(lease, Purpose::Load, Deadline::never())
    }

    /// For work that may take so many bytes, and any time.
    pub fn of_bytes(limit: u64, purpose: Purpose) -> Allowance {
        Allowance::of(Lease::empty(&Account::new(limit)), purpose, Deadline::never())
    }

    /// Takes bytes that are about to be allocated.
    ///
    /// # Errors
    /// [`Exceeded::NeverFits`] or [`Exceeded::NotNow`]; nothing is taken then.
    pub fn take(&self, bytes: usize) -> Result<(), Exceeded> {
        let bytes = bytes as u64;
        match self.spare.get().checked_sub(bytes) {
            Some(left) => self.spare.set(left),
            None => self.lease_more(bytes)?,
        }
        self.count(self.taken.get() + bytes);
        Ok(())
    }

    /// Takes as many bytes as so many items have.
    ///
    /// # Errors
    /// As [`Allowance::take`].
    pub fn take_items<T>(&self, count: usize) -> Result<(), Exceeded> {
        self.take(count.saturating_mul(size_of::<T>()))
    }

    #[cold]
    fn lease_more(&self, bytes: u64) -> Result<(), Exceeded> {
        let spare = self.spare.get();
        let missing = bytes - spare;
        let mut lease = self.lease.borrow_mut();
        let leased = match lease.grow(missing.max(STEP)) {
            Ok(()) => missing.max(STEP),
            Err(_) => {
                lease.grow(missing).map_err(|shortage| self.exceeded(shortage))?;
                missing
            }
        };
        self.spare.set(spare + leased - bytes);
        Ok(())
    }

    fn exceeded(&self, shortage: Shortage) -> Exceeded {
        let shortage = Shortage { limit: shortage.limit.min(self.ceiling), ..shortage };
        match shortage.needed > shortage.limit {
            true => Exceeded::NeverFits(self.purpose, shortage),
            false => Exceeded::NotNow(self.purpose, shortage),
        }
    }

    /// Whether so many bytes more could be taken now. Nothing is taken.
    ///
    /// # Errors
    /// As [`Allowance::take`].
    pub fn check(&self, bytes: u64) -> Result<(), Exceeded> {
        let Some(missing) = bytes.checked_sub(self.spare.get()) else { return Ok(()) };
        let lease = self.lease.borrow();
        let free = lease.account().free();
        if missing <= free {
            return Ok(());
        }
        let held = lease.bytes();
        let limit = lease.account().limit();
        Err(self.exceeded(Shortage { needed: missing.saturating_add(held), free: free.saturating_add(held), limit }))
    }

    /// Gives back bytes that were taken and are free again.
    pub fn give_back(&self, bytes: usize) {
        let bytes = (bytes as u64).min(self.taken.get());
        self.taken.set(self.taken.get() - bytes);
        let spare = self.spare.get() + bytes;
        self.spare.set(spare);
        if spare > 4 * STEP {
            let mut lease = self.lease.borrow_mut();
            // What stands by for the thread is not of this lease.
            let idle = (spare - STEP).min(lease.bytes());
            lease.shrink(idle);
            self.spare.set(spare - idle);
        }
    }

    /// Gives back the bytes of so many items.
    pub fn give_back_items<T>(&self, count: usize) {
        self.give_back(count.saturating_mul(size_of::<T>()));
    }

    /// Ends work whose deadline has passed.
    ///
    /// # Errors
    /// [`Exceeded::TooLate`].
    pub fn check_time(&self) -> Result<(), Exceeded> {
        if self.deadline.has_passed() { Err(Exceeded::TooLate) } else { Ok(()) }
    }

    /// The deadline.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Bytes that are taken now.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// The most bytes that were taken at once.
    pub fn most_taken(&self) -> u64 {
        self.most_taken.get()
    }

    fn count(&self, taken: u64) {
        self.taken.set(taken);
        self.most_taken.set(self.most_taken.get().max(taken));
    }

    /// What is left when the work is done: a lease of so many bytes, for as long as its result lives.
    ///
    /// # Errors
    /// When even they are not there.
    pub fn settle(self, bytes: u64) -> Result<Lease, Exceeded> {
        let resized = self.lease.borrow_mut().resize(bytes);
        resized.map_err(|shortage| self.exceeded(shortage))?;
        Ok(self.lease.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn bytes_are_leased_some_at_a_time_and_given_back_when_many_lie_idle() {
        let account = Account::new(100 * STEP);
        let allowance = Allowance::of(Lease::empty(&account), Purpose::Answer, Deadline::never());
        allowance.take(10).unwrap();
        assert_eq!((allowance.taken(), account.used()), (10, STEP));
        allowance.take(10).unwrap();
        assert_eq!(account.used(), STEP);
        allowance.take(20 * STEP as usize).unwrap();
        assert!(account.used() >= 20 * STEP + 20);
        allowance.give_back(20 * STEP as usize);
        assert!(account.used() <= 2 * STEP, "{}", account.used());
        assert_eq!((allowance.taken(), allowance.most_taken()), (20, 20 * STEP + 20));
        let lease = allowance.settle(7).unwrap();
        assert_eq!((lease.bytes(), account.used()), (7, 7));
    }

    #[test]
    fn what_does_not_fit_now_is_told_from_what_never_will() {
        let account = Account::new(100);
        let held = account.lease(60).unwrap();
        let allowance = Allowance::of(Lease::empty(&account), Purpose::Answer, Deadline::never());
        assert!(matches!(allowance.take(41), Err(Exceeded::NotNow(Purpose::Answer, Shortage { needed: 41, .. }))));
        assert!(matches!(allowance.take(101), Err(Exceeded::NeverFits(..))));
        assert!(matches!(allowance.check(41), Err(Exceeded::NotNow(..))));
        allowance.take(40).unwrap();
        drop(held);
        let models = account.lease(50).unwrap();
        let beside = Allowance::of(Lease::empty(&account), Purpose::Load, Deadline::never()).beside(models.bytes());
        assert!(matches!(beside.take(51), Err(Exceeded::NeverFits(Purpose::Load, Shortage { limit: 50, .. }))));
    }

    #[test]
    fn what_stands_by_for_a_thread_is_used_before_anything_is_leased() {
        let account = Account::new(100);
        let allowance = Allowance::of(Lease::empty(&account), Purpose::Answer, Deadline::never()).with_standing(1000);
        allowance.take(900).unwrap();
        assert_eq!(account.used(), 0);
        allowance.take(150).unwrap();
        assert_eq!(account.used(), 50);
        allowance.give_back(1050);
        assert!(allowance.take(1051).is_err() || account.used() <= 100);
    }

    #[test]
    fn work_ends_at_its_deadline() {
        let allowance = Allowance::of(Lease::empty(&Account::new(1)), Purpose::Answer, Deadline::at(Instant::now()));
        assert_eq!(allowance.check_time(), Err(Exceeded::TooLate));
        assert_eq!(Allowance::unbounded().check_time(), Ok(()));
    }
}

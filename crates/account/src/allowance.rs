//! The memory and the time that one task may use.

use super::deadline::Deadline;
use super::memory::{Account, Lease, Shortage};
use std::cell::{Cell, RefCell};
use std::fmt;

/// A lease that grows with its task, and the task's deadline. It belongs to the one thread that runs the task.
///
/// Readers and transformers take bytes before they allocate them, and give back what they have freed. Bytes are leased
/// in larger steps, so that taking them mostly costs a comparison.
#[derive(Debug)]
pub struct Allowance {
    purpose: Purpose,
    lease: RefCell<Lease>,
    /// Leased bytes that are not taken.
    spare: Cell<u64>,
    taken: Cell<u64>,
    most_taken: Cell<u64>,
    /// The most bytes that the account can ever give to this task.
    ceiling: u64,
    deadline: Deadline,
}

/// What a task does, which decides the error that its caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Answers a request.
    Answer,
    /// Loads or inspects a model.
    Load,
}

/// Why a task cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// It needs more memory than it can ever have here.
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

/// Bytes that are leased at once. Four times as many may lie idle before they are given back.
const STEP: u64 = 256 << 10;

impl Allowance {
    /// An allowance that starts with a lease, whose bytes count as taken.
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

    /// The same with spare bytes that a thread has leased for all its tasks.
    #[must_use]
    pub fn with_standing(self, bytes: u64) -> Allowance {
        Allowance { spare: Cell::new(self.spare.get() + bytes), ..self }
    }

    /// The same, in an account that never gets `held` bytes back.
    #[must_use]
    pub fn beside(self, held: u64) -> Allowance {
        Allowance { ceiling: self.ceiling.saturating_sub(held), ..self }
    }

    /// An allowance without limits, for tests and programs that end with the task.
    pub fn unbounded() -> Allowance {
        let account = Account::new(u64::MAX);
        let lease = Lease::empty(&account);
        Allowance::of(lease, Purpose::Load, Deadline::never())
    }

    /// An allowance of `limit` bytes, without a deadline.
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

    /// Takes the bytes of `count` items.
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

    /// Checks whether `bytes` more could be taken now, without taking them.
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

    /// Gives back bytes that were taken and have been freed.
    pub fn give_back(&self, bytes: usize) {
        let bytes = (bytes as u64).min(self.taken.get());
        self.taken.set(self.taken.get() - bytes);
        let spare = self.spare.get() + bytes;
        self.spare.set(spare);
        if spare > 4 * STEP {
            let mut lease = self.lease.borrow_mut();
            // The thread's standing bytes are not part of this lease.
            let idle = (spare - STEP).min(lease.bytes());
            lease.shrink(idle);
            self.spare.set(spare - idle);
        }
    }

    /// Gives back the bytes of `count` items.
    pub fn give_back_items<T>(&self, count: usize) {
        self.give_back(count.saturating_mul(size_of::<T>()));
    }

    /// Checks the deadline.
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

    /// Bytes taken now.
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

    /// Ends the task: a lease of `bytes` for its result.
    ///
    /// # Errors
    /// As [`Allowance::take`], if the result needs more than the task held.
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
    fn bytes_are_leased_in_steps_and_given_back_when_many_are_idle() {
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
    fn not_now_is_distinguished_from_never() {
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
    fn standing_bytes_are_used_before_any_are_leased() {
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
    fn a_task_ends_at_its_deadline() {
        let allowance = Allowance::of(Lease::empty(&Account::new(1)), Purpose::Answer, Deadline::at(Instant::now()));
        assert_eq!(allowance.check_time(), Err(Exceeded::TooLate));
        assert_eq!(Allowance::unbounded().check_time(), Ok(()));
    }
}

//! The memory and the time that one task may use.

use super::deadline::Deadline;
use super::memory::{Account, Lease, Shortage};
use std::cell::{Cell, RefCell};
use std::fmt;

/// A lease that grows with its task, and the task's deadline. Only the thread that runs the task uses it.
///
/// Readers and transformers take bytes before they allocate memory, and give them back after they free it. Bytes are
/// leased in larger steps, so that most calls of [`Allowance::take`] cost only a comparison.
#[derive(Debug)]
pub struct Allowance {
    purpose: Purpose,
    lease: RefCell<Lease>,
    /// Leased bytes that no caller has taken.
    spare: Cell<u64>,
    taken: Cell<u64>,
    max_taken: Cell<u64>,
    /// The most bytes that this task can ever take from the account.
    ceiling: u64,
    deadline: Deadline,
}

/// What a task does. It determines the error that the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Answering a request.
    Answer,
    /// Loading or inspecting a model.
    Load,
}

/// Why a task must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// It needs more memory than the account can ever provide.
    NeverFits(Purpose, Shortage),
    /// It needs more memory than is free at the moment.
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

/// Bytes leased in one step. More than four idle steps are returned to the account.
const STEP: u64 = 256 << 10;

impl Allowance {
    /// An allowance that starts with an existing lease, whose bytes count as taken.
    pub fn of(lease: Lease, purpose: Purpose, deadline: Deadline) -> Allowance {
        let (taken, ceiling) = (lease.bytes(), lease.account().limit());
        Allowance {
            purpose,
            lease: RefCell::new(lease),
            spare: Cell::new(0),
            taken: Cell::new(taken),
            max_taken: Cell::new(taken),
            ceiling,
            deadline,
        }
    }

    /// Adds spare bytes that the thread has already leased for all its tasks.
    #[must_use]
    pub fn with_thread_reserve(self, bytes: u64) -> Allowance {
        Allowance { spare: Cell::new(self.spare.get() + bytes), ..self }
    }

    /// Lowers the ceiling by `held` bytes of the account that are never returned.
    #[must_use]
    pub fn excluding(self, held: u64) -> Allowance {
        Allowance { ceiling: self.ceiling.saturating_sub(held), ..self }
    }

    /// An allowance without limits, for tests and for programs that run a single task.
    pub fn unbounded() -> Allowance {
        let account = Account::new(u64::MAX);
        let lease = Lease::empty(&account);
        Allowance::of(lease, Purpose::Load, Deadline::never())
    }

    /// An allowance of `limit` bytes, without a deadline.
    pub fn of_bytes(limit: u64, purpose: Purpose) -> Allowance {
        Allowance::of(Lease::empty(&Account::new(limit)), purpose, Deadline::never())
    }

    /// Takes bytes. Call it before allocating them.
    ///
    /// # Errors
    /// [`Exceeded::NeverFits`] or [`Exceeded::NotNow`]; then nothing is taken.
    pub fn take(&self, bytes: usize) -> Result<(), Exceeded> {
        let bytes = bytes as u64;
        match self.spare.get().checked_sub(bytes) {
            Some(left) => self.spare.set(left),
            None => self.lease_more(bytes)?,
        }
        self.set_taken(self.taken.get() + bytes);
        Ok(())
    }

    /// Takes the bytes of `count` items. Call it before allocating them.
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

    /// Gives back bytes after their memory was freed.
    pub fn give_back(&self, bytes: usize) {
        let bytes = (bytes as u64).min(self.taken.get());
        self.taken.set(self.taken.get() - bytes);
        let spare = self.spare.get() + bytes;
        self.spare.set(spare);
        if spare > 4 * STEP {
            let mut lease = self.lease.borrow_mut();
            // The thread's reserve is not part of this lease.
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

    /// Bytes that are taken at the moment.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// The peak of [`Allowance::taken`].
    pub fn max_taken(&self) -> u64 {
        self.max_taken.get()
    }

    fn set_taken(&self, taken: u64) {
        self.taken.set(taken);
        self.max_taken.set(self.max_taken.get().max(taken));
    }

    /// Ends the task and resizes the lease to the `bytes` of its result.
    ///
    /// # Errors
    /// As [`Allowance::take`], if the result needs more bytes than the task had leased.
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
    fn bytes_are_leased_in_steps_and_returned_when_many_are_idle() {
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
        assert_eq!((allowance.taken(), allowance.max_taken()), (20, 20 * STEP + 20));
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
        let allowance =
            Allowance::of(Lease::empty(&account), Purpose::Load, Deadline::never()).excluding(models.bytes());
        assert!(matches!(allowance.take(51), Err(Exceeded::NeverFits(Purpose::Load, Shortage { limit: 50, .. }))));
    }

    #[test]
    fn the_threads_reserve_is_used_before_bytes_are_leased() {
        let account = Account::new(100);
        let allowance =
            Allowance::of(Lease::empty(&account), Purpose::Answer, Deadline::never()).with_thread_reserve(1000);
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

//! The work that a file may cause: a number of bytes handled for each byte of its own.
//!
//! A pickle names a value again in two bytes, however large it is. Walking such a value each time that it is
//! named does more than the file's length justifies, so each walk is counted, and ends where the file cannot be an
//! honest one any more.

use byoc_account::Allowance;
use std::cell::Cell;

use byoc_formats::error::{Error, Result};

/// The most columns that a model of scikit-learn's may have at any of its steps. Nothing in the file need stand behind
/// such a count, and all that is done by column is done that often.
pub(crate) const MOST_COLUMNS: usize = 1 << 20;

/// How many bytes may be handled for each byte of the file. An array of bools, which become floats, is handled eight
/// bytes a byte, and some are read twice.
const EACH: usize = 64;

/// The work that is left, and the memory that it may take.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    left: Cell<usize>,
    pub(crate) allowance: &'a Allowance,
}

impl<'a> Work<'a> {
    /// The work that a file of `bytes` bytes, uncompressed, may cause beside `always`, which any file may.
    pub(crate) fn of_file(bytes: usize, always: usize, allowance: &'a Allowance) -> Work<'a> {
        Work { left: Cell::new(bytes.saturating_mul(EACH).saturating_add(always)), allowance }
    }

    /// Counts bytes that are about to be handled.
    ///
    /// # Errors
    /// [`BadArtifact`](byoc_formats::error::Cause::BadArtifact) when the file has asked for far more than it has bytes.
    pub(crate) fn charge(&self, bytes: usize) -> Result<()> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| {
            Error::bad_artifact("the model names the same values over and over: it would take far more than its file")
        })?);
        Ok(())
    }

    /// Counts items that are about to be handled.
    ///
    /// # Errors
    /// As [`Work::charge`].
    pub(crate) fn charge_items<T>(&self, count: usize) -> Result<()> {
        self.charge(count.saturating_mul(size_of::<T>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_beyond_the_bytes_of_the_file_is_refused() {
        let allowance = Allowance::unbounded();
        let work = Work::of_file(2, 10, &allowance);
        work.charge_items::<u64>(16).unwrap();
        work.charge(10).unwrap();
        assert!(work.charge(1).unwrap_err().message().contains("over and over"));
        assert!(Work::of_file(usize::MAX, 10, &allowance).charge_items::<u64>(usize::MAX).is_ok());
    }
}

//! The work that a file may cause: a number of processed bytes for each of its bytes.
//!
//! A pickle refers to a value again in two bytes, however large it is. Reading such a value at each reference does more
//! work than the file's length justifies, so the work is counted, and ends once no valid file could cause so much.

use byoc_account::Allowance;
use std::cell::Cell;

use byoc_formats::error::{Error, Result};

/// The most columns that a model may have at any of its steps. A file can state such a count without data for it, and
/// it multiplies all work that is done for each column.
pub(crate) const MAX_COLUMNS: usize = 1 << 20;

/// How many bytes may be processed for each byte of the file. Bools become floats of eight bytes each, and some arrays
/// are read twice.
const EACH: usize = 64;

/// The work that is left, and the memory that it may take.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    left: Cell<usize>,
    pub(crate) allowance: &'a Allowance,
}

impl<'a> Work<'a> {
    /// The work that a file of `bytes` uncompressed bytes may cause in addition to `always`, which any file may cause.
    pub(crate) fn of_file(bytes: usize, always: usize, allowance: &'a Allowance) -> Work<'a> {
        Work { left: Cell::new(bytes.saturating_mul(EACH).saturating_add(always)), allowance }
    }

    /// Counts bytes that are about to be processed.
    ///
    /// # Errors
    /// [`BadArtifact`](byoc_formats::error::Cause::BadArtifact) if the file has caused far more work than its bytes
    /// justify.
    pub(crate) fn charge(&self, bytes: usize) -> Result<()> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| {
            Error::bad_artifact("the model names the same values over and over: it would take far more than its file")
        })?);
        Ok(())
    }

    /// Counts items that are about to be processed.
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

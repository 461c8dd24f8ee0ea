//! Helpers that tests share.

use byoc_account::Allowance;

/// An allowance without bounds, valid until the end of the process.
pub(crate) fn unbounded() -> &'static Allowance {
    Box::leak(Box::new(Allowance::unbounded()))
}

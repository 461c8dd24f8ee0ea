//! What tests share.

use byoc_account::Allowance;

/// An allowance without bounds, for as long as a test likes.
pub(crate) fn unbounded() -> &'static Allowance {
    Box::leak(Box::new(Allowance::unbounded()))
}

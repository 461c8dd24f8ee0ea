//! The memory of values, taken from the allowance before it is allocated.

use crate::error::Result;
use byoc_account::{Allowance, LeasedGrowth as _};

/// Reserves capacity for the items of a value: exactly what it begins with, since most values are made at once.
pub(super) fn reserve_leased<T>(items: &mut Vec<T>, more: usize, allowance: &Allowance) -> Result<()> {
    if items.capacity() - items.len() >= more {
        return Ok(());
    }
    grow(items, more, allowance)
}

#[cold]
fn grow<T>(items: &mut Vec<T>, more: usize, allowance: &Allowance) -> Result<()> {
    match items.capacity() {
        0 => items.reserve_exact_leased(more, allowance)?,
        _ => items.reserve_leased(more, allowance)?,
    }
    Ok(())
}

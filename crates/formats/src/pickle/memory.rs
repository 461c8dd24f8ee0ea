//! The memory of values, taken from the allowance before it is allocated.

use crate::error::Result;
use byoc_account::{Allowance, LeasedGrowth as _};

/// Makes room in the items of a value: exactly as much as it begins with, since most are made at once.
pub(super) fn make_room<T>(items: &mut Vec<T>, more: usize, allowance: &Allowance) -> Result<()> {
    if items.capacity() - items.len() >= more {
        return Ok(());
    }
    grow(items, more, allowance)
}

#[cold]
fn grow<T>(items: &mut Vec<T>, more: usize, allowance: &Allowance) -> Result<()> {
    match items.capacity() {
        0 => items.make_exact_room(more, allowance)?,
        _ => items.make_room(more, allowance)?,
    }
    Ok(())
}

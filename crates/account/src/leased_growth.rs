//! Growing vectors with leased memory.

use super::allowance::{Allowance, Exceeded};

/// Growing a vector after leasing the memory for it.
pub trait LeasedGrowth {
    /// Reserves capacity for `more` items. Doubles the capacity if it must grow, so that pushing takes amortized
    /// constant time.
    ///
    /// # Errors
    /// [`Exceeded`], and the vector is unchanged.
    fn reserve_leased(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded>;

    /// Reserves capacity for exactly `more` items.
    ///
    /// # Errors
    /// As [`LeasedGrowth::reserve_leased`].
    fn reserve_exact_leased(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded>;
}

/// The smallest capacity that a growing vector gets.
const MIN_CAPACITY: usize = 16;

impl<T> LeasedGrowth for Vec<T> {
    #[inline]
    fn reserve_leased(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        if self.capacity() - self.len() >= more {
            return Ok(());
        }
        grow(self, more, allowance)
    }

    fn reserve_exact_leased(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        let (before, after) = (self.capacity(), self.len().saturating_add(more));
        if after > before {
            // The old and the new buffer exist at the same time while the items are moved.
            allowance.take_items::<T>(after)?;
            self.reserve_exact(more);
            allowance.give_back_items::<T>(before);
        }
        Ok(())
    }
}

#[cold]
fn grow<T>(items: &mut Vec<T>, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
    let needed = items.len().saturating_add(more);
    let capacity = needed.max(items.capacity().saturating_mul(2)).max(MIN_CAPACITY);
    // Memory may suffice for `more` items even if it does not for twice the capacity.
    if items.reserve_exact_leased(capacity - items.len(), allowance).is_ok() {
        return Ok(());
    }
    items.reserve_exact_leased(more, allowance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn a_vector_never_has_more_capacity_than_it_has_leased() {
        let allowance = Allowance::of_bytes(1000, Purpose::Answer);
        let mut items: Vec<u64> = Vec::new();
        let mut pushed = 0;
        while items.reserve_leased(1, &allowance).is_ok() {
            items.push(pushed);
            pushed += 1;
            assert_eq!(allowance.taken() as usize, items.capacity() * 8);
        }
        // The old and the new buffer exist at the same time: there is no memory to move 64 items to a buffer for 65.
        assert_eq!(pushed, 64);
        assert!(allowance.max_taken() <= 1000);
        let mut exact: Vec<u8> = Vec::new();
        assert!(exact.reserve_exact_leased(489, &allowance).is_err());
        assert_eq!(exact.capacity(), 0);
    }
}

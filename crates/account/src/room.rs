//! Vectors that lease what they are about to take.

use super::allowance::{Allowance, Exceeded};

/// Growth that is leased before it is allocated.
pub trait Room {
    /// Makes room for more items. Room that has to be made is twice what there was, so that pushing stays linear.
    ///
    /// # Errors
    /// When the memory is not there; nothing has changed then.
    fn make_room(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded>;

    /// Makes room for so many more items and no others.
    ///
    /// # Errors
    /// As [`Room::make_room`].
    fn make_exact_room(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded>;
}

/// The first room of a vector that grows.
const FIRST: usize = 16;

impl<T> Room for Vec<T> {
    #[inline]
    fn make_room(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        if self.capacity() - self.len() >= more {
            return Ok(());
        }
        grow(self, more, allowance)
    }

    fn make_exact_room(&mut self, more: usize, allowance: &Allowance) -> Result<(), Exceeded> {
        let (before, after) = (self.capacity(), self.len().saturating_add(more));
        if after > before {
            // What is moved is in both places for a moment.
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
    let capacity = needed.max(items.capacity().saturating_mul(2)).max(FIRST);
    // Twice as much may not be there where what is needed is.
    if items.make_exact_room(capacity - items.len(), allowance).is_ok() {
        return Ok(());
    }
    items.make_exact_room(more, allowance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn a_vector_has_no_more_room_than_it_has_leased() {
        let allowance = Allowance::of_bytes(1000, Purpose::Answer);
        let mut items: Vec<u64> = Vec::new();
        let mut pushed = 0;
        while items.make_room(1, &allowance).is_ok() {
            items.push(pushed);
            pushed += 1;
            assert_eq!(allowance.taken() as usize, items.capacity() * 8);
        }
        // Old and new room are there together for a moment: 64 items are not moved to room for 65.
        assert_eq!(pushed, 64);
        assert!(allowance.most_taken() <= 1000);
        let mut exact: Vec<u8> = Vec::new();
        assert!(exact.make_exact_room(489, &allowance).is_err());
        assert_eq!(exact.capacity(), 0);
    }
}

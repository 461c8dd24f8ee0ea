//! A guard that holds bytes of an allowance.

use super::allowance::{Allowance, Exceeded};

/// Bytes taken from an allowance. Dropping the guard gives them back.
#[derive(Debug)]
#[must_use = "the bytes are given back when this is dropped"]
pub struct HeldBytes<'a> {
    allowance: &'a Allowance,
    bytes: usize,
}

impl Allowance {
    /// Takes bytes until the returned value is dropped.
    ///
    /// # Errors
    /// As [`Allowance::take`].
    pub fn hold(&self, bytes: usize) -> Result<HeldBytes<'_>, Exceeded> {
        self.take(bytes)?;
        Ok(HeldBytes { allowance: self, bytes })
    }
}

impl Drop for HeldBytes<'_> {
    fn drop(&mut self) {
        self.allowance.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn held_bytes_are_given_back_when_the_guard_is_dropped() {
        let allowance = Allowance::of_bytes(100, Purpose::Load);
        let first = allowance.hold(60).unwrap();
        assert!(allowance.hold(41).is_err());
        drop(first);
        let _second = allowance.hold(100).unwrap();
        assert_eq!((allowance.taken(), allowance.max_taken()), (100, 100));
    }
}

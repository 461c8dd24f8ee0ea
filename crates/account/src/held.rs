//! Bytes that are taken for the lifetime of a value.

use super::allowance::{Allowance, Exceeded};

/// Bytes of an allowance. Dropping this gives them back.
#[derive(Debug)]
#[must_use = "the bytes are given back when this is dropped"]
pub struct Held<'a> {
    allowance: &'a Allowance,
    bytes: usize,
}

impl Allowance {
    /// Takes bytes until the returned value is dropped.
    ///
    /// # Errors
    /// As [`Allowance::take`].
    pub fn hold(&self, bytes: usize) -> Result<Held<'_>, Exceeded> {
        self.take(bytes)?;
        Ok(Held { allowance: self, bytes })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.allowance.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn what_is_held_is_given_back_at_the_end_of_its_scope() {
        let allowance = Allowance::of_bytes(100, Purpose::Load);
        let first = allowance.hold(60).unwrap();
        assert!(allowance.hold(41).is_err());
        drop(first);
        let _second = allowance.hold(100).unwrap();
        assert_eq!((allowance.taken(), allowance.most_taken()), (100, 100));
    }
}

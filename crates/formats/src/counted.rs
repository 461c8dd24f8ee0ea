//! Counts of things in messages.

use std::fmt;

/// A count with its noun: `1 record`, `2 records`. The plural of the noun ends in `s`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> Counted<'_, N> {
    Counted { count, noun }
}

/// See [`counted`].
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a, N> {
    count: N,
    noun: &'a str,
}

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = if self.count == N::from(1) { "" } else { "s" };
        write!(f, "{} {}{ending}", self.count, self.noun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_named_in_the_singular() {
        let shown = [0_usize, 1, 2].map(|count| counted(count, "label column").to_string());
        assert_eq!(shown, ["0 label columns", "1 label column", "2 label columns"]);
    }
}

//! The smallest and the largest value of a column.

/// The smallest and the largest value; NaN for no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes {
    smallest: f64,
    largest: f64,
}

impl Default for Extremes {
    fn default() -> Extremes {
        Extremes { smallest: f64::NAN, largest: f64::NAN }
    }
}

impl Extremes {
    pub(crate) fn add(&mut self, values: &[f64]) {
        for value in values {
            // Both ignore NaN if there is a number.
            self.smallest = self.smallest.min(*value);
            self.largest = self.largest.max(*value);
        }
    }

    /// The largest magnitude.
    pub(crate) fn magnitude(self) -> f64 {
        self.smallest.abs().max(self.largest.abs())
    }

    /// From the smallest to the largest value.
    pub(crate) fn range(self) -> f64 {
        self.largest - self.smallest
    }

    pub(crate) fn get(self) -> (f64, f64) {
        (self.smallest, self.largest)
    }
}

//! Mean and variance of a column that comes in chunks.

/// A compensated sum (Neumaier 1974): exact to about the last digit, in any order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    pub(crate) fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// The sum of some numbers.
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum.value()
}

/// The number of values that are not missing, their sum, and their squared distances from the mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    count: u64,
    sum: Sum,
    squares: f64,
}

impl Moments {
    /// Adds values; missing ones are ignored. The squares of a chunk are computed in two passes with a correction, and
    /// are combined with those before them (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm",
    /// 1979), as scikit-learn's `_incremental_mean_and_var` does.
    pub(crate) fn add(&mut self, values: &[f64]) {
        let present = || values.iter().copied().filter(|value| !value.is_nan());
        let count = present().count() as u64;
        if count == 0 {
            return;
        }
        let own_sum = sum(present());
        let own_mean = own_sum / count as f64;
        let correction = sum(present().map(|value| value - own_mean));
        let own_squares = sum(present().map(|value| (value - own_mean) * (value - own_mean)))
            - correction * correction / count as f64;
        if self.count > 0 {
            let (before, added) = (self.count as f64, count as f64);
            let apart = own_mean - self.mean();
            self.squares += own_squares + apart * apart * (before * added / (before + added));
        } else {
            self.squares = own_squares;
        }
        present().for_each(|value| self.sum.add(value));
        self.count += count;
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// NaN for no value.
    pub(crate) fn mean(&self) -> f64 {
        self.sum.value() / self.count as f64
    }

    /// Divided by the number of values, not by one less; NaN for no value.
    pub(crate) fn variance(&self) -> f64 {
        self.squares / self.count as f64
    }
}

/// Whether a column has only one value, judged by its variance (`_is_constant_feature` of
/// `sklearn/preprocessing/_data.py`).
pub(crate) fn is_constant(variance: f64, mean: f64, count: f64) -> bool {
    let from_rounding = count * mean * f64::EPSILON;
    variance <= count * f64::EPSILON * variance + from_rounding * from_rounding
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sum_does_not_lose_small_values_next_to_large_ones() {
        assert_eq!(sum([1e100, 1.0, -1e100].into_iter()), 1.0);
    }

    #[test]
    fn the_mean_of_no_values_is_missing_and_missing_values_are_ignored() {
        let mut moments = Moments::default();
        moments.add(&[f64::NAN]);
        assert!(moments.mean().is_nan() && moments.variance().is_nan() && moments.count() == 0);
        moments.add(&[1.0, f64::NAN, 3.0]);
        assert_eq!((moments.mean(), moments.variance(), moments.count()), (2.0, 1.0, 2));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            values in proptest::collection::vec(-1e6f64..1e6, 1..60),
            cut in 0usize..60,
            shift in prop_oneof![Just(0.0), Just(1e9)],
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value + shift).collect();
            let mut whole = Moments::default();
            whole.add(&values);
            let (front, back) = values.split_at(cut.min(values.len()));
            let mut parts = Moments::default();
            parts.add(front);
            parts.add(back);
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-12 * one.abs().max(1e-3);
            prop_assert!(near(whole.mean(), parts.mean()));
            prop_assert!(near(whole.variance(), parts.variance()), "{} {}", whole.variance(), parts.variance());
        }
    }
}

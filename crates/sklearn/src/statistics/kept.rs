//! A column that is kept in memory, for statistics that need all its values.

/// All values of a column that are not missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Vec<f64>);

impl Kept {
    pub(crate) fn add(&mut self, values: &[f64]) {
        self.0.extend(values.iter().filter(|value| !value.is_nan()));
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The values in ascending order.
    pub(crate) fn sorted(mut self) -> Vec<f64> {
        self.0.sort_unstable_by(f64::total_cmp);
        self.0
    }
}

/// The median of sorted values as in numpy; NaN for no values.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => at(middle),
        _ => (at(middle - 1) + at(middle)) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_not_kept_and_the_median_lies_in_the_middle() {
        let mut kept = Kept::default();
        kept.add(&[3.0, f64::NAN, 1.0]);
        kept.add(&[2.0, -0.5]);
        assert_eq!(kept.clone().sorted(), [-0.5, 1.0, 2.0, 3.0]);
        assert_eq!(median(&kept.sorted()), 1.5);
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert!(median(&[]).is_nan());
    }
}

//! `numpy.percentile`, by all its methods that interpolate or choose (`numpy/lib/_function_base_impl.py`).

use crate::parameters::values::QuantileMethod;

/// The quantile of sorted values; NaN for no values. `share` is from 0 to 1.
pub(crate) fn quantile(sorted: &[f64], share: f64, method: QuantileMethod) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let count = sorted.len() as f64;
    let at = |index: f64| sorted.get((index.max(0.0) as usize).min(last)).copied().unwrap_or(f64::NAN);
    let interpolated = |alpha: f64, beta: f64| count * share + (alpha + share * (1.0 - alpha - beta)) - 1.0;
    let position = match method {
        QuantileMethod::InvertedCdf => {
            let position = count * share - 1.0;
            let below = position.floor();
            return at(if position == below { below } else { below + 1.0 });
        }
        QuantileMethod::ClosestObservation => {
            let position = count * share - 1.0 - 0.5;
            let below = position.floor();
            let is_even = position == below && below.rem_euclid(2.0) == 1.0;
            return at(if is_even { below } else { below + 1.0 });
        }
        QuantileMethod::AveragedInvertedCdf => count * share - 1.0,
        QuantileMethod::Linear => (count - 1.0) * share,
        QuantileMethod::InterpolatedInvertedCdf => interpolated(0.0, 1.0),
        QuantileMethod::Hazen => interpolated(0.5, 0.5),
        QuantileMethod::Weibull => interpolated(0.0, 0.0),
        QuantileMethod::MedianUnbiased => interpolated(1.0 / 3.0, 1.0 / 3.0),
        QuantileMethod::NormalUnbiased => interpolated(3.0 / 8.0, 3.0 / 8.0),
    };
    if position >= last as f64 {
        return at(last as f64);
    }
    if position < 0.0 {
        return at(0.0);
    }
    let below = position.floor();
    let mut part = position - below;
    if method == QuantileMethod::AveragedInvertedCdf {
        part = if part == 0.0 { 0.5 } else { 1.0 };
    }
    let (low, high) = (at(below), at(below + 1.0));
    let apart = high - low;
    // From the nearer end, as numpy does.
    if part >= 0.5 { high - apart * (1.0 - part) } else { low + apart * part }
}

/// The quantile by numpy's default method.
pub(crate) fn linear(sorted: &[f64], share: f64) -> f64 {
    quantile(sorted, share, QuantileMethod::Linear)
}

/// `numpy.linspace(start, stop, count)`
pub(crate) fn linspace(start: f64, stop: f64, count: usize) -> Vec<f64> {
    let steps = count.saturating_sub(1);
    let step = (stop - start) / steps as f64;
    let value = |index: usize| if index == steps && steps > 0 { stop } else { index as f64 * step + start };
    match count {
        1 => vec![start],
        _ => (0..count).map(value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_gives_the_quantiles_of_numpy() {
        // numpy.percentile([1, 2, 4, 8, 16, 31], [0, 10, 25, 50, 75, 100]) of numpy 2.4.
        use QuantileMethod::*;
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0, 31.0];
        let cases = [
            (InvertedCdf, [1.0, 1.0, 2.0, 4.0, 16.0, 31.0]),
            (AveragedInvertedCdf, [1.0, 1.0, 2.0, 6.0, 16.0, 31.0]),
            (ClosestObservation, [1.0, 1.0, 2.0, 4.0, 8.0, 31.0]),
            (InterpolatedInvertedCdf, [1.0, 1.0, 1.5, 4.0, 12.0, 31.0]),
            (Hazen, [1.0, 1.1, 2.0, 6.0, 16.0, 31.0]),
            (Weibull, [1.0, 1.0, 1.75, 6.0, 19.75, 31.0]),
            (Linear, [1.0, 1.5, 2.5, 6.0, 14.0, 31.0]),
            (MedianUnbiased, [1.0, 1.0, 1.9166666666666665, 6.0, 17.25, 31.0]),
            (NormalUnbiased, [1.0, 1.0, 1.9375, 6.0, 16.9375, 31.0]),
        ];
        for (method, expected) in cases {
            for (share, expected) in [0.0, 0.1, 0.25, 0.5, 0.75, 1.0].into_iter().zip(expected) {
                let found = quantile(&sorted, share, method);
                assert!((found - expected).abs() < 1e-12, "{method:?} {share}: {found} {expected}");
            }
        }
        assert!(linear(&[], 0.5).is_nan());
        assert_eq!(linspace(0.0, 1.0, 5), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(linspace(3.0, 9.0, 1), [3.0]);
    }
}

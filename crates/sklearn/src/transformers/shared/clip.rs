//! `numpy.clip`.

/// `numpy.clip`: NaN stays, and of two crossed bounds the upper one counts.
pub(in crate::transformers) fn clip(value: f64, low: f64, high: f64) -> f64 {
    let value = if value < low { low } else { value };
    if value > high { high } else { value }
}

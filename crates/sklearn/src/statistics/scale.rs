//! The divisors of scikit-learn's scalers.

/// The divisor: 1 instead of a value close to zero (`_handle_zeros_in_scale`).
pub(crate) fn divisor(scale: f64) -> f64 {
    if scale < 10.0 * f64::EPSILON { 1.0 } else { scale }
}

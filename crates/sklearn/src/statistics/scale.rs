//! What scikit-learn divides by.

/// What to divide by: 1 in place of what is next to nothing (`_handle_zeros_in_scale`).
pub(crate) fn divisor(scale: f64) -> f64 {
    if scale < 10.0 * f64::EPSILON { 1.0 } else { scale }
}

//! The sums of one walk over the data.

/// The sums of a walk. Parameters are numbered feature × outputs + output; the bias counts as one more feature.
#[derive(Debug)]
pub(super) struct Totals {
    /// What is minimised: smoothed, where there are corners.
    pub(super) value: f64,
    /// The objective itself.
    pub(super) objective: f64,
    pub(super) gradient: Vec<f64>,
    /// The lower triangle is filled, where the matrix is wanted.
    pub(super) matrix: Vec<f64>,
    /// Filled where the diagonal is wanted.
    pub(super) diagonal: Vec<f64>,
}

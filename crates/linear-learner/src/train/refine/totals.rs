//! The sums of one pass over the data.

/// The sums of a pass. Parameters are numbered feature × outputs + output; the bias counts as one more feature.
#[derive(Debug)]
pub(super) struct Totals {
    /// The value that is minimised: smoothed if the objective has corners.
    pub(super) value: f64,
    /// The objective itself.
    pub(super) objective: f64,
    pub(super) gradient: Vec<f64>,
    /// The lower triangle, if the matrix is requested.
    pub(super) matrix: Vec<f64>,
    /// The diagonal, if it is requested.
    pub(super) diagonal: Vec<f64>,
}

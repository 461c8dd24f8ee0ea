//! Statistics of columns for fits: moments, extremes, quantiles, counts of categories, and minima of functions.
//!
//! scikit-learn sums a column in numpy's order. Sums here are compensated, so that they do not depend on how rows are
//! split into chunks; the difference is in the last digits, and less than the error of numpy's sum.

pub(crate) mod counts;
pub(crate) mod extremes;
pub(crate) mod kept;
pub(crate) mod minimize;
pub(crate) mod moments;
pub(crate) mod normal_quantile;
pub(crate) mod quantiles;
pub(crate) mod scale;

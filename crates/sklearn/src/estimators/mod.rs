//! scikit-learn's linear estimators: what they read from a pickle, and how they are applied to features.

pub(crate) mod classes;
pub(crate) mod estimator;
pub(crate) mod linear;
pub(crate) mod probabilities;
pub mod registry;

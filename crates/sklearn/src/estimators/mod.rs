//! scikit-learn's linear estimators: `registry` lists the classes, `estimator` has their methods, `linear` the
//! coefficients and their products with rows, `classes` and `probabilities` the answers of classifiers.

pub(crate) mod classes;
pub(crate) mod estimator;
pub(crate) mod linear;
pub(crate) mod probabilities;
pub mod registry;

//! scikit-learn's transformers, each in a folder of its own: `read.rs` builds it from a pickled object, `apply.rs` applies it
//! to columns.
//!
//! To add one, add a folder and its line to the list below. No other file names a transformer: what is done with all of
//! them goes through [`class::PickledClass`] and [`transformer::Apply`]. `shared` is what several of them have in common.
//!
//! This folder does not know the layout of a request, its label or its media type.

#[macro_use]
mod registry;

pub(crate) mod chain;
pub mod class;
pub(crate) mod columns_used;
pub(crate) mod one;
pub(crate) mod shared;
pub(crate) mod steps;
pub(crate) mod transformer;

transformers! {
    binarizer,
    function_transformer,
    k_bins_discretizer,
    label_binarizer,
    max_abs_scaler,
    min_max_scaler,
    normalizer,
    one_hot_encoder,
    ordinal_encoder,
    polynomial_features,
    power_transformer,
    quantile_transformer,
    recursive_feature_elimination,
    robust_scaler,
    search,
    select_from_model,
    sequential_feature_selector,
    simple_imputer,
    standard_scaler,
    target_encoder,
    univariate_selection,
    variance_threshold,
    column_transformer,
    feature_union,
    pipeline,
}

//! scikit-learn's transformers, each in its own folder:
//!
//! - `read.rs` builds it from a pickled object (`class::PickledClass`),
//! - `apply.rs` applies it to columns (`transformer::Apply`),
//! - `write.rs` is its form in `preprocessor.json`, and the object in Python (`specification::Specify`),
//! - `fit.rs` learns it from rows (`specification::Fit`).
//!
//! To add one, add a folder and its line to the list below. No other file of the crates names a transformer, except for
//! tests and the examples in two messages: all other code uses these traits. `shared` is what several of them have in
//! common. A transformer that contains another one in scikit-learn uses the types of that one's folder.
//!
//! This folder does not know the layout of a request, its label or its media type.

#[macro_use]
mod registry;

pub(crate) mod chain;
pub mod class;
pub(crate) mod columns_used;
pub(crate) mod fitting;
pub(crate) mod learn;
#[cfg(test)]
mod one_folder_test;
mod shared;
pub(crate) mod specification;
pub(crate) mod steps;
pub(crate) mod transformer;

use crate::parameters::class::text;
use byoc_formats::error::Result as Checked;
use byoc_formats::json_document::Object;
use byoc_formats::pickle::Python;
use fitting::Node;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use specification::{FittedDocument, Plan, Specify};
use std::fmt;

transformers! {
    fitted {
        binarizer: Binarizer,
        function_transformer: FunctionTransformer,
        k_bins_discretizer: KBinsDiscretizer,
        max_abs_scaler: MaxAbsScaler,
        min_max_scaler: MinMaxScaler,
        normalizer: Normalizer,
        one_hot_encoder: OneHotEncoder,
        ordinal_encoder: OrdinalEncoder,
        polynomial_features: PolynomialFeatures,
        power_transformer: PowerTransformer,
        quantile_transformer: QuantileTransformer,
        robust_scaler: RobustScaler,
        simple_imputer: SimpleImputer,
        standard_scaler: StandardScaler,
        variance_threshold: VarianceThreshold,
        column_transformer: ColumnTransformer,
        feature_union: FeatureUnion,
        pipeline: Pipeline,
    }
    applied {
        label_binarizer,
        recursive_feature_elimination,
        search,
        select_from_model,
        sequential_feature_selector,
        target_encoder,
        univariate_selection,
    }
}

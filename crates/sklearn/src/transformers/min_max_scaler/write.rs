//! A MinMaxScaler in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::{Floats, Range};
use crate::transformers::specification::Leaf;

parameters! {
    MinMaxScaler / MinMaxScalerFit in "sklearn.preprocessing._data" {
        feature_range: Range = Range(0.0, 1.0),
        copy: bool = true,
        clip: bool = false,
    } fitted {
        n_samples_seen_: i64,
        scale_: Floats,
        min_: Floats,
        data_min_: Floats,
        data_max_: Floats,
        data_range_: Floats,
    }
}

impl Leaf for MinMaxScaler {}

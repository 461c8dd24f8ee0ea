//! A MaxAbsScaler in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::Floats;
use crate::transformers::specification::Leaf;

parameters! {
    MaxAbsScaler / MaxAbsScalerFit in "sklearn.preprocessing._data" {
        copy: bool = true,
        clip: bool = false,
    } fitted {
        n_samples_seen_: i64,
        max_abs_: Floats,
        scale_: Floats,
    }
}

impl Leaf for MaxAbsScaler {}

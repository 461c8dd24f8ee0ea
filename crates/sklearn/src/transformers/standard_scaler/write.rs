//! A StandardScaler in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::{Floats, Samples};
use crate::transformers::specification::Leaf;

parameters! {
    StandardScaler / StandardScalerFit in "sklearn.preprocessing._data" {
        copy: bool = true,
        with_mean: bool = true,
        with_std: bool = true,
    } fitted {
        n_samples_seen_: Samples,
        mean_: Option<Floats>,
        var_: Option<Floats>,
        scale_: Option<Floats>,
    }
}

impl Leaf for StandardScaler {}

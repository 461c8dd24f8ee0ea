//! A RobustScaler in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::{Floats, Range};
use crate::transformers::specification::Leaf;

parameters! {
    RobustScaler / RobustScalerFit in "sklearn.preprocessing._data" {
        with_centering: bool = true,
        with_scaling: bool = true,
        quantile_range: Range = Range(25.0, 75.0),
        copy: bool = true,
        unit_variance: bool = false,
    } fitted {
        center_: Option<Floats>,
        scale_: Option<Floats>,
    }
}

impl Leaf for RobustScaler {}

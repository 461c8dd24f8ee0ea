//! A Normalizer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::words;
use crate::transformers::specification::Leaf;

parameters! {
    Normalizer / NormalizerFit in "sklearn.preprocessing._data" {
        norm: Norm = Norm::L2,
        copy: bool = true,
    } fitted {}
}

words! {
    /// `norm`
    Norm { L1 = "l1", L2 = "l2", Max = "max" }
}

impl Leaf for Normalizer {}

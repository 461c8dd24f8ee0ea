//! A Binarizer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::transformers::specification::Leaf;

parameters! {
    Binarizer / BinarizerFit in "sklearn.preprocessing._data" {
        threshold: f64 = 0.0,
        copy: bool = true,
    } fitted {}
}

impl Leaf for Binarizer {}

//! A QuantileTransformer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::parameters;
use crate::parameters::values::{AtLeast, Floats, Matrix, words};
use crate::transformers::specification::Leaf;

parameters! {
    QuantileTransformer / QuantileTransformerFit in "sklearn.preprocessing._data" {
        n_quantiles: AtLeast<1> = AtLeast(1000),
        output_distribution: Distribution = Distribution::Uniform,
        ignore_implicit_zeros: bool = false,
        subsample: Option<AtLeast<1>> = Some(AtLeast(10_000)),
        random_state: Option<AtLeast<0>> = None,
        copy: bool = true,
    } fitted {
        n_quantiles_: i64,
        references_: Floats,
        quantiles_: Matrix,
    }
}

words! {
    /// `output_distribution`
    Distribution { Uniform = "uniform", Normal = "normal" }
}

impl Leaf for QuantileTransformer {}

//! A PowerTransformer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, Property, State, parameters, text};
use crate::parameters::values::{Floats, words};
use crate::transformers::specification::Leaf;
use crate::transformers::standard_scaler::StandardScaler;
use byoc_formats::pickle::Python;

parameters! {
    PowerTransformer / PowerTransformerFit in "sklearn.preprocessing._data" {
        method: PowerMethod = PowerMethod::YeoJohnson,
        standardize: bool = true,
        copy: bool = true,
    } fitted {
        lambdas_: Floats,
        // In Python `_scaler`, a StandardScaler.
        scaler_: Property<Option<Fitted<StandardScaler>>>,
    }
}

words! {
    /// `method` of a PowerTransformer
    PowerMethod { YeoJohnson = "yeo-johnson", BoxCox = "box-cox" }
}

impl Leaf for PowerTransformer {
    fn private(fitted: &Fitted<Self>) -> State {
        let Some(scaler) = &fitted.attributes.scaler_.0 else { return State::new() };
        let config = Python::Dict(vec![(text("transform"), text("default"))]);
        vec![("_scaler".to_owned(), scaler.object(vec![("_sklearn_output_config".to_owned(), config)]))]
    }
}

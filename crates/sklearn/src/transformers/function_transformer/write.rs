//! A FunctionTransformer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, InputFeatures, parameters};
use crate::parameters::values::{Null, ToPython, words};
use crate::transformers::specification::Leaf;
use byoc_formats::pickle::Python;
use serde::Serialize;

parameters! {
    FunctionTransformer / FunctionTransformerFit in "sklearn.preprocessing._function_transformer" {
        func: Option<Function> = None,
        inverse_func: Option<Function> = None,
        validate: bool = false,
        accept_sparse: bool = false,
        check_inverse: bool = true,
        feature_names_out: Option<FeatureNamesOut> = None,
        kw_args: Null = Null,
        inv_kw_args: Null = Null,
    } fitted {}
}

words! {
    /// `feature_names_out`
    FeatureNamesOut { OneToOne = "one-to-one" }
}

impl Leaf for FunctionTransformer {
    /// numpy's functions return a frame for a frame; `validate` converts it to an array first.
    fn keeps_names(fitted: &Fitted<Self>) -> bool {
        !fitted.parameters.validate
    }
}

/// A function of numpy's, by its name.
macro_rules! functions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// `func`: a function of numpy's, by its name there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub(crate) enum Function { $(#[serde(rename = $name)] $variant),* }

        byoc_formats::read_as_word! { Function { $($variant = $name),* } }

        impl ToPython for Function {
            fn to_python(&self) -> Option<Python> {
                Some(Python::Symbol("numpy", match self { $(Function::$variant => $name),* }))
            }
        }
    };
}

functions! {
    Cbrt = "cbrt",
    Cos = "cos",
    Exp = "exp",
    Exp2 = "exp2",
    Expm1 = "expm1",
    Log = "log",
    Log10 = "log10",
    Log1p = "log1p",
    Log2 = "log2",
    Sin = "sin",
    Sqrt = "sqrt",
    Tan = "tan",
    Tanh = "tanh",
}

/// A fitted FunctionTransformer without a function, which other classes use for `"passthrough"`.
pub(in crate::transformers) fn identity(
    features: InputFeatures,
    parameters: FunctionTransformer,
) -> Fitted<FunctionTransformer> {
    let feature_names_out = Some(FeatureNamesOut::OneToOne);
    let parameters = FunctionTransformer { feature_names_out, ..parameters };
    Fitted { parameters, features, attributes: FunctionTransformerFit {} }
}

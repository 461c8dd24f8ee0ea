//! A KBinsDiscretizer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, InputFeatures, Property, State, parameters};
use crate::parameters::values::{
    AtLeast, BinCounts, Categories, Integers, NumpyClass, NumpyType, QuantileMethod, Ragged, ToPython, WordOr, words,
};
use crate::transformers::one_hot_encoder::{OneHotEncoder, OneHotEncoderFit};
use crate::transformers::specification::Leaf;
use byoc_formats::pickle::Python;
use serde::Serialize;

parameters! {
    KBinsDiscretizer / KBinsDiscretizerFit in "sklearn.preprocessing._discretization" {
        n_bins: BinCounts = BinCounts::All(AtLeast(5)),
        encode: BinEncoding = BinEncoding::OneHot,
        strategy: BinStrategy = BinStrategy::Quantile,
        quantile_method: QuantileMethod = QuantileMethod::AveragedInvertedCdf,
        dtype: Option<FloatClass> = None,
        subsample: Option<AtLeast<1>> = Some(AtLeast(200_000)),
        random_state: Option<AtLeast<0>> = None,
    } fitted {
        bin_edges_: Ragged,
        n_bins_: Integers,
        // The type of the 0 and 1 of one-hot bins.
        output_dtype: Property<NumpyType>,
    }
}

words! {
    /// `encode`
    BinEncoding { OneHot = "onehot", OneHotDense = "onehot-dense", Ordinal = "ordinal" }
    /// `strategy` of a KBinsDiscretizer, without `kmeans`
    BinStrategy { Uniform = "uniform", Quantile = "quantile" }
}

impl Leaf for KBinsDiscretizer {
    fn width(fitted: &Fitted<Self>, inputs: usize) -> usize {
        match fitted.parameters.encode {
            BinEncoding::Ordinal => inputs,
            BinEncoding::OneHot | BinEncoding::OneHotDense => {
                fitted.attributes.n_bins_.0.iter().filter_map(|bins| usize::try_from(*bins).ok()).sum()
            }
        }
    }

    fn gives_sparse(fitted: &Fitted<Self>, _is_given: bool) -> bool {
        fitted.parameters.encode == BinEncoding::OneHot
    }

    fn private(fitted: &Fitted<Self>) -> State {
        encoder(fitted)
    }
}

/// `dtype` of a KBinsDiscretizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FloatClass {
    Float64,
    Float32,
}

byoc_formats::read_as_word! { FloatClass { Float64 = "float64", Float32 = "float32" } }

impl FloatClass {
    pub(crate) const fn numpy_type(self) -> NumpyType {
        match self {
            FloatClass::Float64 => NumpyType::Float64,
            FloatClass::Float32 => NumpyType::Float32,
        }
    }
}

impl ToPython for FloatClass {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Symbol(
            "numpy",
            match self {
                FloatClass::Float64 => "float64",
                FloatClass::Float32 => "float32",
            },
        ))
    }
}

/// The encoder of the numbers of bins, which scikit-learn fits on zeros.
fn encoder(fitted: &Fitted<KBinsDiscretizer>) -> State {
    if fitted.parameters.encode == BinEncoding::Ordinal {
        return State::new();
    }
    let bins = &fitted.attributes.n_bins_.0;
    let parameters = OneHotEncoder {
        categories: WordOr::Given(bins.iter().map(|bins| Categories::Int64((0..*bins).collect())).collect()),
        sparse_output: fitted.parameters.encode == BinEncoding::OneHot,
        dtype: NumpyClass::Float64,
        ..OneHotEncoder::default()
    };
    let features = InputFeatures { count: bins.len(), names: None };
    let numbers = |bins: &i64| Categories::Float64((0..*bins).map(|bin| bin as f64).collect());
    let attributes = OneHotEncoderFit {
        categories_: bins.iter().map(numbers).collect(),
        drop_idx_: Property(None),
        infrequent_categories_: Property(None),
    };
    let encoder = Fitted { parameters, features, attributes };
    let mut encoder = OneHotEncoder::python(&encoder);
    if let Python::Object(_, _, state) = &mut encoder {
        let output = fitted.attributes.output_dtype.0;
        // A dtype here and not a class; a class where the user gave one.
        let dtype = match fitted.parameters.dtype {
            Some(class) => class.to_python(),
            None => output.to_python(),
        };
        for (_, value) in state.iter_mut().filter(|(name, _)| name == "dtype") {
            *value = dtype.clone().unwrap_or(Python::None);
        }
    }
    vec![("_encoder".to_owned(), encoder)]
}

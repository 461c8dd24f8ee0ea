//! scikit-learn's transformers as a document names them: parameters with scikit-learn's names and defaults (1.9), and
//! the attributes that a fit adds.
//!
//! One table. From each row come the parameters as a struct that JSON fills (what is unknown or of another type is
//! refused where it stands), the attributes as another, both together as [`Fitted`] in one flat object, and the state of
//! the object in Python.

use crate::parameters::values::{
    AtLeast, BinCounts, Categories, Code, Degrees, Float, Floats, Frequency, Integers, Matrix, Null, NumpyClass,
    NumpyType, Ragged, Range, Samples, Scalar, ToPython, WordOr, names_array, words,
};
use byoc_formats::pickle::Python;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The attributes of an object in Python.
pub(crate) type State = Vec<(String, Python)>;

/// A transformer of scikit-learn's that is not made of others; `Self` is its parameters.
pub(crate) trait Class: Clone {
    /// What a fit adds, but for the names and the number of its features.
    type Attributes: Clone;
    const MODULE: &'static str;
    const NAME: &'static str;

    fn parameters(&self) -> State;
    fn attributes(attributes: &Self::Attributes) -> State;
}

/// A fitted transformer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted<C: Class> {
    pub(crate) parameters: C,
    pub(crate) features: Features,
    pub(crate) attributes: C::Attributes,
}

/// What a transformer was fitted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Features {
    pub(crate) count: usize,
    /// The names of the columns of a frame; none for a bare array.
    pub(crate) names: Option<Vec<String>>,
}

impl Features {
    /// `n_features_in_` and `feature_names_in_`.
    pub(crate) fn state(&self) -> State {
        let mut state = State::new();
        if let Some(names) = &self.names {
            state.push(("feature_names_in_".to_owned(), names_array(names)));
        }
        state.extend(self.count.to_python().map(|count| ("n_features_in_".to_owned(), count)));
        state
    }
}

/// An attribute that a user sees and an object does not hold: a property in scikit-learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Property<T>(pub(crate) T);

impl<T> ToPython for Property<T> {
    fn to_python(&self) -> Option<Python> {
        None
    }
}

/// What may be null, but not absent.
fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

macro_rules! classes {
    ($(
        $(#[$doc:meta])*
        $name:ident / $attributes:ident in $module:literal {
            $($parameter:ident: $type:ty = $default:expr),* $(,)?
        } fitted {
            $($attribute:ident: $attribute_type:ty),* $(,)?
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name { $(pub(crate) $parameter: $type),* }

        impl Default for $name {
            fn default() -> $name {
                $name { $($parameter: $default),* }
            }
        }

        #[doc = concat!("What a fit adds to a ", stringify!($name), ".")]
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $attributes { $(pub(crate) $attribute: $attribute_type),* }

        impl Class for $name {
            type Attributes = $attributes;
            const MODULE: &'static str = $module;
            const NAME: &'static str = stringify!($name);

            fn parameters(&self) -> State {
                let state = [$((stringify!($parameter), self.$parameter.to_python())),*];
                state.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }

            fn attributes(_attributes: &$attributes) -> State {
                let state: Vec<(&str, Option<Python>)> =
                    vec![$((stringify!($attribute), _attributes.$attribute.to_python())),*];
                state.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        }

        const _: () = {
            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Flat {
                $(#[serde(deserialize_with = "required")] $parameter: $type,)*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                feature_names_in_: Option<Vec<String>>,
                n_features_in_: usize,
                $(#[serde(deserialize_with = "required")] $attribute: $attribute_type,)*
            }

            impl Serialize for Fitted<$name> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let Fitted { parameters, features, attributes: _attributes } = self.clone();
                    Flat {
                        $($parameter: parameters.$parameter,)*
                        feature_names_in_: features.names,
                        n_features_in_: features.count,
                        $($attribute: _attributes.$attribute,)*
                    }
                    .serialize(serializer)
                }
            }

            impl<'de> Deserialize<'de> for Fitted<$name> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fitted<$name>, D::Error> {
                    let flat = Flat::deserialize(deserializer)?;
                    Ok(Fitted {
                        parameters: $name { $($parameter: flat.$parameter),* },
                        features: Features { count: flat.n_features_in_, names: flat.feature_names_in_ },
                        attributes: $attributes { $($attribute: flat.$attribute),* },
                    })
                }
            }
        };
    )* };
}

classes! {
    Binarizer / BinarizerFit in "sklearn.preprocessing._data" {
        threshold: f64 = 0.0,
        copy: bool = true,
    } fitted {}

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

    MaxAbsScaler / MaxAbsScalerFit in "sklearn.preprocessing._data" {
        copy: bool = true,
        clip: bool = false,
    } fitted {
        n_samples_seen_: i64,
        max_abs_: Floats,
        scale_: Floats,
    }

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

    Normalizer / NormalizerFit in "sklearn.preprocessing._data" {
        norm: Norm = Norm::L2,
        copy: bool = true,
    } fitted {}

    OneHotEncoder / OneHotEncoderFit in "sklearn.preprocessing._encoders" {
        categories: WordOr<Auto, Vec<Categories>> = WordOr::Word(Auto::Auto),
        drop: Option<WordOr<Drop, Vec<Scalar>>> = None,
        sparse_output: bool = true,
        dtype: NumpyClass = NumpyClass::Float64,
        handle_unknown: HandleUnknown = HandleUnknown::Error,
        min_frequency: Option<Frequency> = None,
        max_categories: Option<AtLeast<1>> = None,
        feature_name_combiner: Combiner = Combiner::Concat,
    } fitted {
        categories_: Vec<Categories>,
        drop_idx_: Property<Option<Vec<Option<usize>>>>,
        infrequent_categories_: Property<Option<Vec<Option<Categories>>>>,
    }

    OrdinalEncoder / OrdinalEncoderFit in "sklearn.preprocessing._encoders" {
        categories: WordOr<Auto, Vec<Categories>> = WordOr::Word(Auto::Auto),
        dtype: NumpyClass = NumpyClass::Float64,
        handle_unknown: HandleUnknownOrdinal = HandleUnknownOrdinal::Error,
        unknown_value: Option<Code> = None,
        encoded_missing_value: Code = Code::Nan,
        min_frequency: Option<Frequency> = None,
        max_categories: Option<AtLeast<1>> = None,
    } fitted {
        categories_: Vec<Categories>,
        infrequent_categories_: Property<Option<Vec<Option<Categories>>>>,
    }

    PolynomialFeatures / PolynomialFeaturesFit in "sklearn.preprocessing._polynomial" {
        degree: Degrees = Degrees::UpTo(AtLeast(2)),
        interaction_only: bool = false,
        include_bias: bool = true,
        order: Order = Order::C,
    } fitted {
        n_output_features_: usize,
    }

    PowerTransformer / PowerTransformerFit in "sklearn.preprocessing._data" {
        method: PowerMethod = PowerMethod::YeoJohnson,
        standardize: bool = true,
        copy: bool = true,
    } fitted {
        lambdas_: Floats,
        // In Python `_scaler`, a StandardScaler.
        scaler_: Property<Option<Fitted<StandardScaler>>>,
    }

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

    SimpleImputer / SimpleImputerFit in "sklearn.impute._base" {
        missing_values: Scalar = Scalar::Float(f64::NAN),
        strategy: ImputeStrategy = ImputeStrategy::Mean,
        fill_value: Option<Scalar> = None,
        copy: bool = true,
        add_indicator: bool = false,
        keep_empty_features: bool = false,
    } fitted {
        statistics_: Property<Vec<Scalar>>,
        // The features that the indicator tells of: those with a missing value at fit.
        indicator_features_: Property<Option<Vec<i64>>>,
        // In Python `_fit_dtype` and `_fill_dtype`.
        fit_dtype: Property<NumpyType>,
    }

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

    VarianceThreshold / VarianceThresholdFit in "sklearn.feature_selection._variance_threshold" {
        threshold: NotNegative = NotNegative(0.0),
    } fitted {
        variances_: Floats,
    }
}

words! {
    /// `categories`
    Auto { Auto = "auto" }
    /// `drop`
    Drop { First = "first", IfBinary = "if_binary" }
    /// `handle_unknown` of a OneHotEncoder
    HandleUnknown { Error = "error", Ignore = "ignore", InfrequentIfExist = "infrequent_if_exist", Warn = "warn" }
    /// `handle_unknown` of an OrdinalEncoder
    HandleUnknownOrdinal { Error = "error", UseEncodedValue = "use_encoded_value" }
    /// `feature_name_combiner`
    Combiner { Concat = "concat" }
    /// `norm`
    Norm { L1 = "l1", L2 = "l2", Max = "max" }
    /// `method` of a PowerTransformer
    PowerMethod { YeoJohnson = "yeo-johnson", BoxCox = "box-cox" }
    /// `output_distribution`
    Distribution { Uniform = "uniform", Normal = "normal" }
    /// `strategy` of a SimpleImputer
    ImputeStrategy { Mean = "mean", Median = "median", MostFrequent = "most_frequent", Constant = "constant" }
    /// `encode`
    BinEncoding { OneHot = "onehot", OneHotDense = "onehot-dense", Ordinal = "ordinal" }
    /// `strategy` of a KBinsDiscretizer, without `kmeans`
    BinStrategy { Uniform = "uniform", Quantile = "quantile" }
    /// `order`
    Order { C = "C", F = "F" }
    /// `feature_names_out`
    FeatureNamesOut { OneToOne = "one-to-one" }
    /// `quantile_method`, by the names of `numpy.percentile`
    QuantileMethod {
        InvertedCdf = "inverted_cdf",
        AveragedInvertedCdf = "averaged_inverted_cdf",
        ClosestObservation = "closest_observation",
        InterpolatedInvertedCdf = "interpolated_inverted_cdf",
        Hazen = "hazen",
        Weibull = "weibull",
        Linear = "linear",
        MedianUnbiased = "median_unbiased",
        NormalUnbiased = "normal_unbiased",
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

/// A number of at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct NotNegative(pub(crate) f64);

impl<'de> Deserialize<'de> for NotNegative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NotNegative, D::Error> {
        let Float(value) = Float::deserialize(deserializer)?;
        if value >= 0.0 {
            return Ok(NotNegative(value));
        }
        Err(serde::de::Error::invalid_value(serde::de::Unexpected::Float(value), &"a number of at least 0"))
    }
}

impl ToPython for NotNegative {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Float(self.0))
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

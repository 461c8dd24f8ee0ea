//! Transformers that are made of others, and the set of all.

use crate::document::classes::*;
use crate::parameters::values::{Null, ToPython};
use byoc_formats::json_document::Object;
use byoc_formats::pickle::Python;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// How a transformer is read: a word, or an object with one key.
macro_rules! read_transformer {
    ($transformer:ident, $holds:literal, $($name:ident),*) => {
        impl<'de> Deserialize<'de> for $transformer {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$transformer, D::Error> {
                struct One;
                impl<'de> Visitor<'de> for One {
                    type Value = $transformer;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object whose one key is the class, such as {\"StandardScaler\": {}}, or \"passthrough\" or \"drop\"")
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$transformer, E> {
                        match text {
                            "passthrough" => Ok($transformer::Passthrough),
                            "drop" => Ok($transformer::Drop),
                            text if CLASSES.contains(&text) => {
                                Err(E::custom(format_args!("expected an object, {{{text:?}: {{}}}}, found the text {text:?}")))
                            }
                            text => Err(E::invalid_value(Unexpected::Str(text), &self)),
                        }
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$transformer, A::Error> {
                        let Some(class) = map.next_key::<String>()? else {
                            return Err(A::Error::invalid_length(0, &self));
                        };
                        let transformer = match class.as_str() {
                            $(stringify!($name) => {
                                $transformer::$name(map.next_value_seed(Object::new(concat!($holds, stringify!($name))))?)
                            })*
                            "ColumnTransformer" => {
                                $transformer::ColumnTransformer(map.next_value_seed(Object::new(concat!($holds, "ColumnTransformer")))?)
                            }
                            "FeatureUnion" => {
                                $transformer::FeatureUnion(map.next_value_seed(Object::new(concat!($holds, "FeatureUnion")))?)
                            }
                            "Pipeline" => $transformer::Pipeline(map.next_value_seed(Object::new(concat!($holds, "Pipeline")))?),
                            class => return Err(A::Error::unknown_variant(class, CLASSES)),
                        };
                        match map.next_key::<String>()? {
                            Some(second) => Err(A::Error::custom(format_args!(
                                "expected an object with one key, the class, found two: {class} and {second}"
                            ))),
                            None => Ok(transformer),
                        }
                    }
                }
                deserializer.deserialize_any(One)
            }
        }
    };
}

macro_rules! transformers {
    ($($name:ident),* $(,)?) => {
        /// A transformer as it is specified: `"passthrough"`, `"drop"`, or an object whose one key is the class.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub(crate) enum Specified {
            #[serde(rename = "passthrough")]
            Passthrough,
            #[serde(rename = "drop")]
            Drop,
            $($name($name),)*
            ColumnTransformer(Box<ColumnTransformer>),
            FeatureUnion(FeatureUnion),
            Pipeline(Pipeline),
        }

        /// A transformer as it is fitted.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub(crate) enum FittedTransformer {
            #[serde(rename = "passthrough")]
            Passthrough,
            #[serde(rename = "drop")]
            Drop,
            $($name(Fitted<$name>),)*
            ColumnTransformer(Box<FittedColumnTransformer>),
            FeatureUnion(FittedFeatureUnion),
            Pipeline(FittedPipeline),
        }

        /// The classes that a document may name.
        const CLASSES: &[&str] = &[$(stringify!($name),)* "ColumnTransformer", "FeatureUnion", "Pipeline"];

        read_transformer! { Specified, "an object of the parameters of ", $($name),* }
        read_transformer! { FittedTransformer, "an object of the parameters and attributes of ", $($name),* }

        impl Specified {
            /// scikit-learn's name of the class.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    Specified::Passthrough => "passthrough",
                    Specified::Drop => "drop",
                    $(Specified::$name(_) => stringify!($name),)*
                    Specified::ColumnTransformer(_) => "ColumnTransformer",
                    Specified::FeatureUnion(_) => "FeatureUnion",
                    Specified::Pipeline(_) => "Pipeline",
                }
            }
        }

        impl FittedTransformer {
            /// The transformer as it was before it was fitted.
            pub(crate) fn specified(&self) -> Specified {
                match self {
                    FittedTransformer::Passthrough => Specified::Passthrough,
                    FittedTransformer::Drop => Specified::Drop,
                    $(FittedTransformer::$name(fitted) => Specified::$name(fitted.parameters.clone()),)*
                    FittedTransformer::ColumnTransformer(fitted) => {
                        Specified::ColumnTransformer(Box::new(fitted.specified()))
                    }
                    FittedTransformer::FeatureUnion(fitted) => Specified::FeatureUnion(fitted.specified()),
                    FittedTransformer::Pipeline(fitted) => Specified::Pipeline(fitted.specified()),
                }
            }
        }

        $(impl From<Fitted<$name>> for FittedTransformer {
            fn from(fitted: Fitted<$name>) -> FittedTransformer {
                FittedTransformer::$name(fitted)
            }
        })*
    };
}

transformers! {
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SimpleImputer,
    StandardScaler,
    VarianceThreshold,
}

/// Which columns a transformer is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of column names, or one of positions that count from 0")]
pub(crate) enum Columns {
    Names(Vec<String>),
    Positions(Vec<i64>),
}

impl ToPython for Columns {
    fn to_python(&self) -> Option<Python> {
        Some(Python::List(match self {
            Columns::Names(names) => names.iter().map(|name| Python::Text(name.clone())).collect(),
            Columns::Positions(positions) => positions.iter().map(|position| Python::Int(*position)).collect(),
        }))
    }
}

/// Parts with their names.
type Named<T> = Vec<(String, T)>;

/// Parts with their names and columns.
type Placed<T> = Vec<(String, T, Columns)>;

fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Named<T>, D::Error> {
    Ok(Vec::<Pair<T>>::deserialize(deserializer)?.into_iter().map(|Pair(name, part)| (name, part)).collect())
}

fn triples<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Placed<T>, D::Error> {
    let triples = Vec::<Triple<T>>::deserialize(deserializer)?;
    Ok(triples.into_iter().map(|Triple(name, part, columns)| (name, part, columns)).collect())
}

struct Pair<T>(String, T);

struct Triple<T>(String, T, Columns);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pair<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pair<T>, D::Error> {
        struct Two<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Two<T> {
            type Value = Pair<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of two, a name and a transformer")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pair<T>, A::Error> {
                let name = items.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let part = items.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                match items.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::invalid_length(3, &self)),
                    None => Ok(Pair(name, part)),
                }
            }
        }
        deserializer.deserialize_any(Two(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Triple<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Triple<T>, D::Error> {
        struct Three<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Three<T> {
            type Value = Triple<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of three, a name, a transformer and its columns")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Triple<T>, A::Error> {
                let name = items.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let part = items.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                let columns = items.next_element()?.ok_or_else(|| A::Error::invalid_length(2, &self))?;
                match items.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::invalid_length(4, &self)),
                    None => Ok(Triple(name, part, columns)),
                }
            }
        }
        deserializer.deserialize_any(Three(PhantomData))
    }
}

/// What the answer of a part is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number")]
pub(crate) enum Weight {
    Integer(i64),
    Float(f64),
}

/// `transformer_weights`, by the names of the parts.
pub(crate) type Weights = Option<BTreeMap<String, Weight>>;

impl ToPython for BTreeMap<String, Weight> {
    fn to_python(&self) -> Option<Python> {
        let weight = |weight: &Weight| match weight {
            Weight::Integer(weight) => Python::Int(*weight),
            Weight::Float(weight) => Python::Float(*weight),
        };
        Some(Python::Dict(self.iter().map(|(name, value)| (Python::Text(name.clone()), weight(value))).collect()))
    }
}

/// `sklearn.compose.ColumnTransformer`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnTransformer {
    #[serde(deserialize_with = "triples")]
    pub(crate) transformers: Placed<Specified>,
    #[serde(default = "dropped")]
    pub(crate) remainder: Specified,
    #[serde(default = "sparse_threshold", deserialize_with = "share")]
    pub(crate) sparse_threshold: f64,
    #[serde(default)]
    pub(crate) n_jobs: Option<i64>,
    #[serde(default)]
    pub(crate) transformer_weights: Weights,
    #[serde(default)]
    pub(crate) verbose: bool,
    #[serde(default = "yes")]
    pub(crate) verbose_feature_names_out: bool,
}

fn dropped() -> Specified {
    Specified::Drop
}

fn sparse_threshold() -> f64 {
    0.3
}

fn yes() -> bool {
    true
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(serde::de::Error::invalid_value(serde::de::Unexpected::Float(share), &"a share from 0 to 1"))
}

/// `sklearn.pipeline.Pipeline`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    #[serde(deserialize_with = "pairs")]
    pub(crate) steps: Named<Specified>,
    #[serde(default)]
    pub(crate) transform_input: Null,
    #[serde(default)]
    pub(crate) memory: Null,
    #[serde(default)]
    pub(crate) verbose: bool,
}

/// `sklearn.pipeline.FeatureUnion`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeatureUnion {
    #[serde(deserialize_with = "pairs")]
    pub(crate) transformer_list: Named<Specified>,
    #[serde(default)]
    pub(crate) n_jobs: Option<i64>,
    #[serde(default)]
    pub(crate) transformer_weights: Weights,
    #[serde(default)]
    pub(crate) verbose: bool,
    #[serde(default = "yes")]
    pub(crate) verbose_feature_names_out: bool,
}

/// A fitted ColumnTransformer. `transformers_` has the remainder last, where there are columns left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedColumnTransformer {
    pub(crate) remainder: Specified,
    pub(crate) sparse_threshold: f64,
    pub(crate) n_jobs: Option<i64>,
    pub(crate) transformer_weights: Weights,
    pub(crate) verbose: bool,
    pub(crate) verbose_feature_names_out: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature_names_in_: Option<Vec<String>>,
    pub(crate) n_features_in_: usize,
    #[serde(deserialize_with = "triples")]
    pub(crate) transformers_: Placed<FittedTransformer>,
    pub(crate) sparse_output_: bool,
}

/// The name that scikit-learn gives to what stands last.
pub(crate) const REMAINDER: &str = "remainder";

impl FittedColumnTransformer {
    /// The transformers without the remainder.
    pub(crate) fn named(&self) -> &[(String, FittedTransformer, Columns)] {
        match self.transformers_.split_last() {
            Some(((name, _, _), named)) if name == REMAINDER => named,
            _ => &self.transformers_,
        }
    }

    pub(crate) fn specified(&self) -> ColumnTransformer {
        let specified = |(name, fitted, columns): &(String, FittedTransformer, Columns)| {
            (name.clone(), fitted.specified(), columns.clone())
        };
        ColumnTransformer {
            transformers: self.named().iter().map(specified).collect(),
            remainder: self.remainder.clone(),
            sparse_threshold: self.sparse_threshold,
            n_jobs: self.n_jobs,
            transformer_weights: self.transformer_weights.clone(),
            verbose: self.verbose,
            verbose_feature_names_out: self.verbose_feature_names_out,
        }
    }
}

/// A fitted Pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedPipeline {
    #[serde(deserialize_with = "pairs")]
    pub(crate) steps: Named<FittedTransformer>,
    pub(crate) transform_input: Null,
    pub(crate) memory: Null,
    pub(crate) verbose: bool,
}

impl FittedPipeline {
    pub(crate) fn specified(&self) -> Pipeline {
        Pipeline {
            steps: specified(&self.steps),
            transform_input: self.transform_input,
            memory: self.memory,
            verbose: self.verbose,
        }
    }
}

/// A fitted FeatureUnion. What it was fitted on is a property in scikit-learn, and an attribute of its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedFeatureUnion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature_names_in_: Option<Vec<String>>,
    pub(crate) n_features_in_: usize,
    #[serde(deserialize_with = "pairs")]
    pub(crate) transformer_list: Named<FittedTransformer>,
    pub(crate) n_jobs: Option<i64>,
    pub(crate) transformer_weights: Weights,
    pub(crate) verbose: bool,
    pub(crate) verbose_feature_names_out: bool,
}

impl FittedFeatureUnion {
    pub(crate) fn specified(&self) -> FeatureUnion {
        FeatureUnion {
            transformer_list: specified(&self.transformer_list),
            n_jobs: self.n_jobs,
            transformer_weights: self.transformer_weights.clone(),
            verbose: self.verbose,
            verbose_feature_names_out: self.verbose_feature_names_out,
        }
    }
}

fn specified(parts: &[(String, FittedTransformer)]) -> Vec<(String, Specified)> {
    parts.iter().map(|(name, fitted)| (name.clone(), fitted.specified())).collect()
}

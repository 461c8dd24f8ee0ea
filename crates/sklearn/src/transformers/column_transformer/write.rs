//! A ColumnTransformer in `preprocessor.json`, and the object in Python.

use crate::parameters::class::{InputFeatures, State, entry, object, text};
use crate::parameters::values::{ToPython, positions};
use crate::transformers::function_transformer::{FunctionTransformer, identity};
use crate::transformers::shared::parts_document::{Weights, check_parts, yes};
use crate::transformers::specification::{FittedDocument, Specify};
use crate::transformers::{FittedTransformer, Specified};
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

/// The input columns of a transformer.
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

/// Parts with their names and columns.
type Placed<T> = Vec<(String, T, Columns)>;

fn triples<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Placed<T>, D::Error> {
    let triples = Vec::<Triple<T>>::deserialize(deserializer)?;
    Ok(triples.into_iter().map(|Triple(name, part, columns)| (name, part, columns)).collect())
}

struct Triple<T>(String, T, Columns);

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

/// `sklearn.compose.ColumnTransformer`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnTransformer {
    #[serde(deserialize_with = "triples")]
    pub(crate) transformers: Placed<Specified>,
    #[serde(default = "dropped")]
    pub(crate) remainder: Box<Specified>,
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

fn dropped() -> Box<Specified> {
    Box::new(Specified::Drop)
}

fn sparse_threshold() -> f64 {
    0.3
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(serde::de::Error::invalid_value(serde::de::Unexpected::Float(share), &"a share from 0 to 1"))
}

/// A fitted ColumnTransformer. `transformers_` has the remainder last, if columns are left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedColumnTransformer {
    pub(crate) remainder: Box<Specified>,
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

/// The name that scikit-learn gives the remainder.
pub(crate) const REMAINDER: &str = "remainder";

impl FittedColumnTransformer {
    /// The transformers without the remainder.
    pub(crate) fn named(&self) -> &[(String, FittedTransformer, Columns)] {
        match self.transformers_.split_last() {
            Some(((name, _, _), named)) if name == REMAINDER => named,
            _ => &self.transformers_,
        }
    }
}

const MODULE: &str = "sklearn.compose._column_transformer";

impl Specify for ColumnTransformer {
    type Fitted = FittedColumnTransformer;

    fn to_python(&self) -> Python {
        object(MODULE, "ColumnTransformer", state(self))
    }
}

impl FittedDocument for FittedColumnTransformer {
    type Parameters = ColumnTransformer;

    fn parameters(&self) -> ColumnTransformer {
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

    fn to_python(&self) -> Python {
        let names = self.feature_names_in_.as_deref();
        let places = names.map(NamePlaces::of);
        let mut state = state(&self.parameters());
        let features = InputFeatures { count: self.n_features_in_, names: self.feature_names_in_.clone() };
        state.extend(features.state());

        let indices = |columns: &Columns| resolve(columns, places.as_ref(), self.n_features_in_).unwrap_or_default();
        let (mut given, mut transformers, mut outputs_of) = (Vec::new(), Vec::new(), Vec::new());
        let mut begin = 0;
        for (name, part, columns) in &self.transformers_ {
            let own = indices(columns);
            let own_names = names.map(|names| own.iter().filter_map(|at| names.get(*at).cloned()).collect());
            let width = part.width(own.len());
            let slice = match part {
                FittedTransformer::Drop => Python::Slice(0, 0),
                _ => Python::Slice(begin as i64, (begin + width) as i64),
            };
            let part = match part {
                FittedTransformer::Passthrough => passthrough(InputFeatures { count: own.len(), names: own_names }),
                part => part.to_python(),
            };
            transformers.push(triple(name, part, columns));
            given.push((text(name), positions(&own)));
            outputs_of.push((text(name), slice));
            begin += width;
        }
        let remainder = match self.transformers_.last() {
            Some((name, _, columns)) if name == REMAINDER => columns.clone(),
            _ => {
                given.push((text(REMAINDER), Python::List(Vec::new())));
                outputs_of.push((text(REMAINDER), Python::Slice(0, 0)));
                Columns::Positions(Vec::new())
            }
        };
        let columns = self.named().iter().filter_map(|(_, _, columns)| columns.to_python()).collect();
        state.push(("_columns".to_owned(), Python::List(columns)));
        state.push(("_transformer_to_input_indices".to_owned(), Python::Dict(given)));
        state.push(("_remainder".to_owned(), triple(REMAINDER, self.remainder.to_python(), &remainder)));
        state.extend(entry("sparse_output_", self.sparse_output_));
        state.push(("transformers_".to_owned(), Python::List(transformers)));
        state.push(("output_indices_".to_owned(), Python::Dict(outputs_of)));
        object(MODULE, "ColumnTransformer", state)
    }

    fn width(&self, _inputs: usize) -> usize {
        let places = self.feature_names_in_.as_deref().map(NamePlaces::of);
        let width = |columns| resolve(columns, places.as_ref(), self.n_features_in_).map_or(0, |columns| columns.len());
        self.transformers_.iter().map(|(_, part, columns)| part.width(width(columns))).sum()
    }

    fn gives_sparse(&self, _is_given: bool) -> bool {
        self.sparse_output_
    }

    fn check(&self, path: &str) -> Result<()> {
        check_parts(self.transformers_.iter().map(|(_, part, _)| part), &format!("{path}.transformers_"))
    }
}

fn triple(name: &str, part: Python, columns: &Columns) -> Python {
    Python::Tuple(vec![text(name), part, columns.to_python().unwrap_or(Python::None)])
}

fn state(parameters: &ColumnTransformer) -> State {
    let transformers =
        parameters.transformers.iter().map(|(name, part, columns)| triple(name, part.to_python(), columns)).collect();
    let mut state = vec![
        ("transformers".to_owned(), Python::List(transformers)),
        ("remainder".to_owned(), parameters.remainder.to_python()),
    ];
    state.extend(entry("sparse_threshold", parameters.sparse_threshold));
    state.extend(entry("n_jobs", parameters.n_jobs));
    state.extend(entry("transformer_weights", parameters.transformer_weights.clone()));
    state.extend(entry("verbose", parameters.verbose));
    state.extend(entry("verbose_feature_names_out", parameters.verbose_feature_names_out));
    // A parameter of 1.5 to 1.8, without which those cannot print or clone the object.
    state.extend(entry("force_int_remainder_cols", true));
    state
}

/// The transformer for `"passthrough"` in a ColumnTransformer, since 1.4.
fn passthrough(features: InputFeatures) -> Python {
    let parameters =
        FunctionTransformer { accept_sparse: true, check_inverse: false, ..FunctionTransformer::default() };
    let config = Python::Dict(vec![(text("transform"), text("default"))]);
    identity(features, parameters).object(vec![("_sklearn_output_config".to_owned(), config)])
}

/// The first position of each name of a frame.
pub(crate) struct NamePlaces<'n>(HashMap<&'n str, usize>);

impl<'n> NamePlaces<'n> {
    pub(crate) fn of(names: &'n [String]) -> NamePlaces<'n> {
        let mut places = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            places.entry(name.as_str()).or_insert(place);
        }
        NamePlaces(places)
    }
}

/// The positions of columns that are given by name or number; or the first column that does not exist.
pub(crate) fn resolve(columns: &Columns, names: Option<&NamePlaces<'_>>, width: usize) -> Result<Vec<usize>, String> {
    match columns {
        Columns::Names(wanted) => {
            let position = |name: &String| names?.0.get(name.as_str()).copied();
            wanted.iter().map(|name| position(name).ok_or_else(|| format!("{name:?}"))).collect()
        }
        Columns::Positions(wanted) => {
            let position = |at: i64| {
                let at = if at < 0 { at.checked_add(i64::try_from(width).ok()?)? } else { at };
                usize::try_from(at).ok().filter(|at| *at < width)
            };
            wanted.iter().map(|at| position(*at).ok_or_else(|| at.to_string())).collect()
        }
    }
}

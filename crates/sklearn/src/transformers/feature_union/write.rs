//! A FeatureUnion in `preprocessor.json`, and the object in Python.

use crate::parameters::class::{InputFeatures, State, entry, object};
use crate::transformers::function_transformer::{FunctionTransformer, identity};
use crate::transformers::shared::parts_document::{Named, Weights, check_parts, pairs, python_pairs, specified, yes};
use crate::transformers::specification::{FittedDocument, Specify};
use crate::transformers::{FittedTransformer, Specified};
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;
use serde::{Deserialize, Serialize};

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

/// A fitted FeatureUnion. Its input columns are a property in scikit-learn, and an attribute of its parts.
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

const MODULE: &str = "sklearn.pipeline";

impl Specify for FeatureUnion {
    type Fitted = FittedFeatureUnion;

    fn to_python(&self) -> Python {
        let parts = self.transformer_list.iter().map(|(name, part)| (name.as_str(), part.to_python()));
        object(MODULE, "FeatureUnion", state(self, parts))
    }
}

impl FittedDocument for FittedFeatureUnion {
    type Parameters = FeatureUnion;

    fn parameters(&self) -> FeatureUnion {
        FeatureUnion {
            transformer_list: specified(&self.transformer_list),
            n_jobs: self.n_jobs,
            transformer_weights: self.transformer_weights.clone(),
            verbose: self.verbose,
            verbose_feature_names_out: self.verbose_feature_names_out,
        }
    }

    fn to_python(&self) -> Python {
        let part = |part: &FittedTransformer| match part {
            // The transformer for "passthrough" in scikit-learn.
            FittedTransformer::Passthrough => {
                let features = InputFeatures { count: self.n_features_in_, names: self.feature_names_in_.clone() };
                identity(features, FunctionTransformer::default()).object(State::new())
            }
            part => part.to_python(),
        };
        let parts = self.transformer_list.iter().map(|(name, fitted)| (name.as_str(), part(fitted)));
        object(MODULE, "FeatureUnion", state(&self.parameters(), parts))
    }

    fn width(&self, inputs: usize) -> usize {
        self.transformer_list.iter().map(|(_, part)| part.width(inputs)).sum()
    }

    fn check(&self, path: &str) -> Result<()> {
        check_parts(self.transformer_list.iter().map(|(_, part)| part), &format!("{path}.transformer_list"))
    }
}

fn state<'n>(union: &FeatureUnion, parts: impl Iterator<Item = (&'n str, Python)>) -> State {
    let mut state = vec![("transformer_list".to_owned(), python_pairs(parts))];
    state.extend(entry("n_jobs", union.n_jobs));
    state.extend(entry("transformer_weights", union.transformer_weights.clone()));
    state.extend(entry("verbose", union.verbose));
    state.extend(entry("verbose_feature_names_out", union.verbose_feature_names_out));
    state
}

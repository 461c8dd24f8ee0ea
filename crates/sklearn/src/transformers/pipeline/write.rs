//! A Pipeline in `preprocessor.json`, and the object in Python.

use crate::parameters::class::{State, entry, object};
use crate::parameters::values::Null;
use crate::transformers::shared::parts_document::{Named, check_parts, pairs, python_pairs, specified};
use crate::transformers::specification::{FittedDocument, Specify};
use crate::transformers::{FittedTransformer, Specified};
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;
use serde::{Deserialize, Serialize};

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

const MODULE: &str = "sklearn.pipeline";

impl Specify for Pipeline {
    type Fitted = FittedPipeline;

    fn to_python(&self) -> Python {
        let steps = self.steps.iter().map(|(name, step)| (name.as_str(), step.to_python()));
        object(MODULE, "Pipeline", state(self, steps))
    }
}

impl FittedDocument for FittedPipeline {
    type Parameters = Pipeline;

    fn parameters(&self) -> Pipeline {
        Pipeline {
            steps: specified(&self.steps),
            transform_input: self.transform_input,
            memory: self.memory,
            verbose: self.verbose,
        }
    }

    fn to_python(&self) -> Python {
        let steps = self.steps.iter().map(|(name, step)| (name.as_str(), step.to_python()));
        object(MODULE, "Pipeline", state(&self.parameters(), steps))
    }

    fn width(&self, inputs: usize) -> usize {
        self.steps.iter().fold(inputs, |inputs, (_, step)| step.width(inputs))
    }

    fn check(&self, path: &str) -> Result<()> {
        check_parts(self.steps.iter().map(|(_, step)| step), &format!("{path}.steps"))
    }
}

fn state<'n>(pipeline: &Pipeline, steps: impl Iterator<Item = (&'n str, Python)>) -> State {
    let mut state = vec![("steps".to_owned(), python_pairs(steps))];
    state.extend(entry("transform_input", pipeline.transform_input));
    state.extend(entry("memory", pipeline.memory));
    state.extend(entry("verbose", pipeline.verbose));
    state
}

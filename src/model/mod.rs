//! Models: how they are found and loaded, and how they answer a request's body.
//!
//! A container does not need to be told what its artifact is. [`Artifact::find`] looks for, in this order:
//! `model_algo-1` (SageMaker's linear learner), `preprocessor.json` (fitted by `byoc train`), and one pickle of
//! scikit-learn, recognised by its name or by its first bytes. Scripts beside them are named in the log but not run:
//! nothing in an artifact is ever executed. Anything else is an error that lists what was found and what is supported.

mod answer;
mod artifact;
mod cost;
mod find;
mod inspect;
#[cfg(test)]
mod label_test;
mod named_path;
mod piecewise_invocation;
mod scripts;
mod seen_column_types;

pub use answer::{Answer, Exchange, Invocation};
pub use artifact::Artifact;
pub use cost::Cost;
pub use inspect::{Contents, FileSize, Inspection, Refusal};
pub use named_path::NamedPath;
pub use piecewise_invocation::PiecewiseInvocation;
pub use scripts::Script;
pub use seen_column_types::SeenColumnTypes;

use std::fmt;

use crate::error::remedy;
use byoc_linear_learner::LinearLearner;
use byoc_sklearn::preprocessor::{Assumption, Preprocessor};
use byoc_sklearn::scorer::Scorer;

/// A model in memory.
#[derive(Debug)]
pub enum Model {
    /// Features to scores, in float32.
    LinearLearner(LinearLearner),
    /// Rows to features, in float64.
    Preprocessor(Preprocessor),
    /// Rows to scores or classes, in float64.
    Scorer(Scorer),
}

impl Model {
    /// The model's size in memory, in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Model::LinearLearner(learner) => learner.bytes(),
            Model::Preprocessor(preprocessor) => preprocessor.bytes(),
            Model::Scorer(scorer) => scorer.bytes(),
        }
    }

    /// Assumptions about the rows that the user should check, where no setting decides: which column is the label, and
    /// which columns are numeric.
    pub fn assumptions(&self) -> impl Iterator<Item = String> {
        let preprocessor = match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => Some(preprocessor),
            Model::Scorer(scorer) => Some(scorer.preprocessor()),
        };
        preprocessor
            .into_iter()
            .flat_map(|preprocessor| [preprocessor.guessed_label(), preprocessor.undecided_types()])
            .flatten()
            .map(|assumption| with_remedy(&assumption))
    }

    /// Why every request will be refused, if that is already known.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => preprocessor.refusal(),
            Model::Scorer(scorer) => scorer.refusal(),
        }
    }
}

/// An assumption, and which setting to change if it is wrong.
fn with_remedy(assumption: &Assumption) -> String {
    format!("{}; {}", assumption.text, remedy::sentence(&assumption.remedy))
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::LinearLearner(learner) => {
                write!(f, "linear learner ({}, {} features)", learner.predictor_type().name(), learner.feature_dim())
            }
            Model::Preprocessor(preprocessor) => write!(f, "scikit-learn preprocessor ({preprocessor})"),
            Model::Scorer(scorer) => write!(f, "scikit-learn scorer ({scorer})"),
        }
    }
}

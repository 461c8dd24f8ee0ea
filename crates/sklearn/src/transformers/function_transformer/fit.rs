//! Fits a FunctionTransformer: it learns only the number of features.

use super::write::{FunctionTransformer, FunctionTransformerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::parameters::class::{Fitted, InputFeatures};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::specification::Fit;

impl Fit for FunctionTransformer {
    fn learner(self, _input: &FitInput) -> Box<dyn Learn> {
        Box::new(Validating(self))
    }
}

/// Refuses values that are not finite numbers, if `validate` is on.
struct Validating(FunctionTransformer);

impl Learn for Validating {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        if !self.0.validate {
            return Ok(());
        }
        Floats::from_features(features, Refuses::InfinityAndMissing).map(drop)
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        Ok(Fitted { parameters: self.0, features, attributes: FunctionTransformerFit {} }.into())
    }
}

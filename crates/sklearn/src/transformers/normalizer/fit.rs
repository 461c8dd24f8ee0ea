//! Fits a Normalizer: it learns only the number of features.

use super::write::{Normalizer, NormalizerFit};
use crate::parameters::class::Fitted;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::shared::stateless::Stateless;
use crate::transformers::specification::Fit;

impl Fit for Normalizer {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        let _ = input;
        Box::new(Stateless(|features| Ok(Fitted { parameters: self, features, attributes: NormalizerFit {} }.into())))
    }
}

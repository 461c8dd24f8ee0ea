//! Fits PolynomialFeatures: it learns only the number of features.

use super::write::{PolynomialFeatures, PolynomialFeaturesFit};
use crate::columns::fault::Fault;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::shared::stateless::Stateless;
use crate::transformers::specification::Fit;

/// The most features that are accepted.
const MAX_FEATURES: usize = 1 << 24;

impl Fit for PolynomialFeatures {
    fn learner(self, _input: &FitInput) -> Box<dyn Learn> {
        Box::new(Stateless(|features| fitted(self, features)))
    }
}

fn fitted(parameters: PolynomialFeatures, features: InputFeatures) -> Result<FittedTransformer, Fault> {
    let (lowest, highest) = parameters.degrees();
    if lowest > highest {
        return Err(Fault::new(format!(
            "PolynomialFeatures: expected degree to have the lower one first, found [{lowest}, {highest}]"
        )));
    }
    if highest == 0 && !parameters.include_bias {
        return Err(Fault::new("PolynomialFeatures: degree 0 without include_bias gives no feature"));
    }
    let count = parameters.count(features.count, lowest, highest);
    let count = count.filter(|count| *count <= MAX_FEATURES).ok_or_else(|| {
        Fault::new(format!("PolynomialFeatures: expected at most {MAX_FEATURES} features, found more"))
    })?;
    Ok(Fitted { parameters, features, attributes: PolynomialFeaturesFit { n_output_features_: count } }.into())
}

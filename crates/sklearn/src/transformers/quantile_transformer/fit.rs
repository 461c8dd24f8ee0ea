//! Fits a QuantileTransformer: the quantiles of each column (`sklearn/preprocessing/_data.py`).

use super::write::{QuantileTransformer, QuantileTransformerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{Matrix, integer};
use crate::statistics::kept::Kept;
use crate::statistics::quantiles::{linear, linspace};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for QuantileTransformer {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(Quantiles { parameters: self, is_sparse: input.is_sparse }, input))
    }
}

struct Quantiles {
    parameters: QuantileTransformer,
    is_sparse: bool,
}

impl LearnNumbers for Quantiles {
    type Feature = Kept;
    const REFUSES: Refuses = Refuses::Infinity;
    const KEEPS: bool = true;

    fn see(&self, feature: &mut Kept, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Kept>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let parameters = self.parameters;
        let asked = parameters.n_quantiles.count();
        if let Some(subsample) = parameters.subsample.filter(|subsample| asked > subsample.count()) {
            return Err(Fault::new(format!(
                "QuantileTransformer: expected n_quantiles to be at most subsample, found {asked} and {}",
                subsample.0
            )));
        }
        if self.is_sparse && parameters.ignore_implicit_zeros {
            return Err(Fault::new("QuantileTransformer: ignore_implicit_zeros on sparse features is not supported"));
        }
        let count = asked.min(seen.rows).max(1);
        let references = linspace(0.0, 1.0, count);
        let sorted: Vec<Vec<f64>> = seen.features.into_iter().map(Kept::sorted).collect();
        // As percentages, which scikit-learn passes to numpy.
        let row = |reference: &f64| sorted.iter().map(|values| linear(values, reference * 100.0 / 100.0)).collect();
        let attributes = QuantileTransformerFit {
            n_quantiles_: integer(count),
            quantiles_: Matrix(references.iter().map(row).collect()),
            references_: references.into_iter().collect(),
        };
        Ok(Fitted { parameters, features, attributes }.into())
    }
}

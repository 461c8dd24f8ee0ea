//! Fits a MaxAbsScaler: the largest magnitude of each column (`sklearn/preprocessing/_data.py`).

use super::write::{MaxAbsScaler, MaxAbsScalerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::integer;
use crate::statistics::extremes::Extremes;
use crate::statistics::scale::divisor;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for MaxAbsScaler {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(MaxAbs(self), input))
    }
}

struct MaxAbs(MaxAbsScaler);

impl LearnNumbers for MaxAbs {
    type Feature = Extremes;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Extremes, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Extremes>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let largest = |extremes: &Extremes| extremes.magnitude();
        let attributes = MaxAbsScalerFit {
            n_samples_seen_: integer(seen.rows),
            max_abs_: seen.features.iter().map(largest).collect(),
            scale_: seen.features.iter().map(|extremes| divisor(largest(extremes))).collect(),
        };
        Ok(Fitted { parameters: self.0, features, attributes }.into())
    }
}

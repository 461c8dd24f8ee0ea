//! Fits a MinMaxScaler: the smallest and the largest value of each column (`sklearn/preprocessing/_data.py`).

use super::write::{MinMaxScaler, MinMaxScalerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::integer;
use crate::statistics::extremes::Extremes;
use crate::statistics::scale::divisor;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for MinMaxScaler {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(MinMax { parameters: self, is_sparse: input.is_sparse }, input))
    }
}

struct MinMax {
    parameters: MinMaxScaler,
    is_sparse: bool,
}

impl LearnNumbers for MinMax {
    type Feature = Extremes;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Extremes, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Extremes>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let range = self.parameters.feature_range;
        if range.0 >= range.1 {
            return Err(Fault::new(format!(
                "feature_range of the MinMaxScaler is [{}, {}]: expected the first to be smaller",
                range.0, range.1
            )));
        }
        if self.is_sparse {
            return Err(Fault::new(
                "MinMaxScaler does not take a sparse matrix: set sparse_output of the encoder before it to false",
            ));
        }
        let extremes = || seen.features.iter().map(|extremes| extremes.get());
        let scale = |(smallest, largest): (f64, f64)| (range.1 - range.0) / divisor(largest - smallest);
        let attributes = MinMaxScalerFit {
            n_samples_seen_: integer(seen.rows),
            scale_: extremes().map(scale).collect(),
            min_: extremes().map(|extremes| range.0 - extremes.0 * scale(extremes)).collect(),
            data_min_: extremes().map(|(smallest, _)| smallest).collect(),
            data_max_: extremes().map(|(_, largest)| largest).collect(),
            data_range_: extremes().map(|(smallest, largest)| largest - smallest).collect(),
        };
        Ok(Fitted { parameters: self.parameters, features, attributes }.into())
    }
}

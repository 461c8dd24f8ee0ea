//! Fits a RobustScaler: the median and the range of quantiles of each column (`sklearn/preprocessing/_data.py`).

use super::write::{RobustScaler, RobustScalerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::statistics::kept::{Kept, median};
use crate::statistics::normal_quantile::normal_quantile;
use crate::statistics::quantiles::linear;
use crate::statistics::scale::divisor;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for RobustScaler {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(Robust { parameters: self, is_sparse: input.is_sparse }, input))
    }
}

struct Robust {
    parameters: RobustScaler,
    is_sparse: bool,
}

impl LearnNumbers for Robust {
    type Feature = Kept;
    const REFUSES: Refuses = Refuses::Infinity;
    const KEEPS: bool = true;

    fn see(&self, feature: &mut Kept, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Kept>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let parameters = self.parameters;
        let (low, high) = (parameters.quantile_range.0, parameters.quantile_range.1);
        if !(0.0 <= low && low <= high && high <= 100.0) {
            return Err(Fault::new(format!(
                "quantile_range of the RobustScaler is [{low}, {high}]: expected two percentages, the smaller first"
            )));
        }
        if self.is_sparse && parameters.with_centering {
            return Err(Fault::new(
                "RobustScaler cannot center a sparse matrix: set with_centering to false, or sparse_output of the \
                 encoder before it",
            ));
        }
        let sorted: Vec<Vec<f64>> = seen.features.into_iter().map(Kept::sorted).collect();
        let mut scales: Vec<f64> =
            sorted.iter().map(|values| divisor(linear(values, high / 100.0) - linear(values, low / 100.0))).collect();
        if parameters.unit_variance {
            let adjust = normal_quantile(high / 100.0) - normal_quantile(low / 100.0);
            scales.iter_mut().for_each(|scale| *scale /= adjust);
        }
        let attributes = RobustScalerFit {
            center_: parameters.with_centering.then(|| sorted.iter().map(|values| median(values)).collect()),
            scale_: parameters.with_scaling.then(|| scales.into_iter().collect()),
        };
        Ok(Fitted { parameters, features, attributes }.into())
    }
}

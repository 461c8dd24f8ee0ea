//! Fits a VarianceThreshold: the variance of each column (`sklearn/feature_selection/_variance_threshold.py`).

use super::write::{VarianceThreshold, VarianceThresholdFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::columns::origin::Origin;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::statistics::extremes::Extremes;
use crate::statistics::moments::Moments;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for VarianceThreshold {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(Variances(self), input))
    }
}

struct Variances(VarianceThreshold);

impl LearnNumbers for Variances {
    type Feature = Spread;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Spread, values: &[f64]) {
        feature.moments.add(values);
        feature.extremes.add(values);
        feature.has_missing |= values.iter().any(|value| value.is_nan());
    }

    fn finish(self, seen: Seen<Spread>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let threshold = self.0.threshold.0;
        let variance = |spread: &Spread| {
            let variance = spread.moments.variance();
            // From the smallest to the largest value, where rounding might make a variance of a constant.
            if threshold == 0.0 && !spread.has_missing {
                return variance.min(spread.extremes.range());
            }
            variance
        };
        let variances: Vec<f64> = seen.features.iter().map(variance).collect();
        if variances.iter().all(|variance| !variance.is_finite() || *variance <= threshold) {
            let sample = if seen.rows == 1 { " (there is one row only)" } else { "" };
            return Err(Fault::of_column(
                seen.origins.first().copied().unwrap_or(Origin::NONE),
                format!("VarianceThreshold: no feature has a variance above the threshold {threshold}{sample}"),
            ));
        }
        let attributes = VarianceThresholdFit { variances_: variances.into_iter().collect() };
        Ok(Fitted { parameters: self.0, features, attributes }.into())
    }
}

/// The statistics of a feature that VarianceThreshold needs.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    moments: Moments,
    extremes: Extremes,
    has_missing: bool,
}

//! Fits a StandardScaler: mean and variance of each column (`sklearn/preprocessing/_data.py`).

use super::write::{StandardScaler, StandardScalerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{Floats, Samples};
use crate::statistics::moments::{Moments, is_constant};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;

impl Fit for StandardScaler {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(Standard { parameters: self, is_sparse: input.is_sparse }, input))
    }
}

/// The attributes of a StandardScaler fitted on columns with these moments. Another transformer may contain one.
pub(in crate::transformers) fn standardize(
    parameters: StandardScaler,
    seen: &[Moments],
    features: InputFeatures,
    is_sparse: bool,
) -> Fitted<StandardScaler> {
    let counts = seen.iter().map(|moments| i64::try_from(moments.count()).unwrap_or(i64::MAX)).collect();
    let variances: Floats = seen.iter().map(Moments::variance).collect();
    let scale = |moments: &Moments| {
        let variance = moments.variance();
        if is_constant(variance, moments.mean(), moments.count() as f64) { 1.0 } else { variance.sqrt() }
    };
    let scales: Floats = seen.iter().map(scale).collect();
    // The variance needs the mean as well; sparse columns have none without it.
    let has_mean = parameters.with_std || parameters.with_mean && !is_sparse;
    let attributes = StandardScalerFit {
        n_samples_seen_: Samples::of(counts),
        mean_: has_mean.then(|| seen.iter().map(Moments::mean).collect()),
        var_: parameters.with_std.then_some(variances),
        scale_: parameters.with_std.then_some(scales),
    };
    Fitted { parameters, features, attributes }
}

struct Standard {
    parameters: StandardScaler,
    is_sparse: bool,
}

impl LearnNumbers for Standard {
    type Feature = Moments;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Moments, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Moments>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        if self.is_sparse && self.parameters.with_mean {
            return Err(Fault::new(
                "StandardScaler cannot center a sparse matrix: set with_mean to false, or sparse_output of the encoder \
                 before it",
            ));
        }
        Ok(standardize(self.parameters, &seen.features, features, self.is_sparse).into())
    }
}

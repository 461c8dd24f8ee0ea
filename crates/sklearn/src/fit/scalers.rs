//! StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, QuantileTransformer and VarianceThreshold: what is known of
//! each feature on its own (`sklearn/preprocessing/_data.py`, `sklearn/feature_selection/_variance_threshold.py`).

use crate::columns::fault::Fault;
use crate::columns::feature::{Origin, Refuses};
use crate::document::{
    Features, Fitted, FittedTransformer, Floats, Matrix, MaxAbsScaler, MaxAbsScalerFit, MinMaxScaler, MinMaxScalerFit,
    QuantileTransformer, QuantileTransformerFit, RobustScaler, RobustScalerFit, Samples, StandardScaler,
    StandardScalerFit, VarianceThreshold, VarianceThresholdFit,
};
use crate::fit::kept::{Kept, median};
use crate::fit::learn::{LearnNumbers, Seen};
use crate::fit::moments::{Moments, is_constant};
use crate::fit::quantiles::{linear, linspace};
use crate::transformers::shared::normal_quantile::normal_quantile;

/// What to divide by: 1 in place of what is next to nothing (`_handle_zeros_in_scale`).
fn divisor(scale: f64) -> f64 {
    if scale < 10.0 * f64::EPSILON { 1.0 } else { scale }
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The attributes of a StandardScaler that saw what these columns hold. PowerTransformer has one of its own.
pub(crate) fn standardize(
    parameters: StandardScaler,
    seen: &[Moments],
    features: Features,
    is_sparse: bool,
) -> Fitted<StandardScaler> {
    let counts = seen.iter().map(|moments| i64::try_from(moments.count()).unwrap_or(i64::MAX)).collect();
    let variances: Floats = seen.iter().map(Moments::variance).collect();
    let scale = |moments: &Moments| {
        let variance = moments.variance();
        if is_constant(variance, moments.mean(), moments.count() as f64) { 1.0 } else { variance.sqrt() }
    };
    let scales: Floats = seen.iter().map(scale).collect();
    // The mean is there for the variance's sake, too; sparse columns have none without it.
    let has_mean = parameters.with_std || parameters.with_mean && !is_sparse;
    let attributes = StandardScalerFit {
        n_samples_seen_: Samples::of(counts),
        mean_: has_mean.then(|| seen.iter().map(Moments::mean).collect()),
        var_: parameters.with_std.then_some(variances),
        scale_: parameters.with_std.then_some(scales),
    };
    Fitted { parameters, features, attributes }
}

pub(crate) struct Standard {
    pub(crate) parameters: StandardScaler,
    pub(crate) is_sparse: bool,
}

impl LearnNumbers for Standard {
    type Feature = Moments;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Moments, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Moments>, features: Features) -> Result<FittedTransformer, Fault> {
        if self.is_sparse && self.parameters.with_mean {
            return Err(Fault::new(
                "StandardScaler cannot center what a OneHotEncoder or KBinsDiscretizer gives as a sparse matrix: \
                 set with_mean to false, or sparse_output of the encoder",
            ));
        }
        Ok(standardize(self.parameters, &seen.features, features, self.is_sparse).into())
    }
}

/// The smallest and the largest value; NaN as long as there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes {
    smallest: f64,
    largest: f64,
}

impl Default for Extremes {
    fn default() -> Extremes {
        Extremes { smallest: f64::NAN, largest: f64::NAN }
    }
}

impl Extremes {
    pub(crate) fn add(&mut self, values: &[f64]) {
        for value in values {
            // Both prefer what is a number.
            self.smallest = self.smallest.min(*value);
            self.largest = self.largest.max(*value);
        }
    }

    pub(crate) fn get(self) -> (f64, f64) {
        (self.smallest, self.largest)
    }
}

pub(crate) struct MinMax {
    pub(crate) parameters: MinMaxScaler,
    pub(crate) is_sparse: bool,
}

impl LearnNumbers for MinMax {
    type Feature = Extremes;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Extremes, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Extremes>, features: Features) -> Result<FittedTransformer, Fault> {
        let range = self.parameters.feature_range;
        if range.0 >= range.1 {
            return Err(Fault::new(format!(
                "feature_range of the MinMaxScaler is [{}, {}]: expected the first to be smaller",
                range.0, range.1
            )));
        }
        if self.is_sparse {
            return Err(Fault::new(
                "MinMaxScaler does not take what a OneHotEncoder or KBinsDiscretizer gives as a sparse matrix: use \
                 MaxAbsScaler, or set sparse_output of the encoder to false",
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

pub(crate) struct MaxAbs(pub(crate) MaxAbsScaler);

impl LearnNumbers for MaxAbs {
    type Feature = Extremes;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Extremes, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Extremes>, features: Features) -> Result<FittedTransformer, Fault> {
        let largest = |extremes: &Extremes| extremes.smallest.abs().max(extremes.largest.abs());
        let attributes = MaxAbsScalerFit {
            n_samples_seen_: integer(seen.rows),
            max_abs_: seen.features.iter().map(largest).collect(),
            scale_: seen.features.iter().map(|extremes| divisor(largest(extremes))).collect(),
        };
        Ok(Fitted { parameters: self.0, features, attributes }.into())
    }
}

pub(crate) struct Robust {
    pub(crate) parameters: RobustScaler,
    pub(crate) is_sparse: bool,
}

impl LearnNumbers for Robust {
    type Feature = Kept;
    const REFUSES: Refuses = Refuses::Infinity;
    const KEEPS: bool = true;

    fn see(&self, feature: &mut Kept, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Kept>, features: Features) -> Result<FittedTransformer, Fault> {
        let parameters = self.parameters;
        let (low, high) = (parameters.quantile_range.0, parameters.quantile_range.1);
        if !(0.0 <= low && low <= high && high <= 100.0) {
            return Err(Fault::new(format!(
                "quantile_range of the RobustScaler is [{low}, {high}]: expected two percentages, the smaller first"
            )));
        }
        if self.is_sparse && parameters.with_centering {
            return Err(Fault::new(
                "RobustScaler cannot center what a OneHotEncoder or KBinsDiscretizer gives as a sparse matrix: set \
                 with_centering to false, or sparse_output of the encoder",
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

pub(crate) struct Quantiles {
    pub(crate) parameters: QuantileTransformer,
    pub(crate) is_sparse: bool,
}

impl LearnNumbers for Quantiles {
    type Feature = Kept;
    const REFUSES: Refuses = Refuses::Infinity;
    const KEEPS: bool = true;

    fn see(&self, feature: &mut Kept, values: &[f64]) {
        feature.add(values);
    }

    fn finish(self, seen: Seen<Kept>, features: Features) -> Result<FittedTransformer, Fault> {
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
        // By way of percentages, as scikit-learn asks numpy for them.
        let row = |reference: &f64| sorted.iter().map(|values| linear(values, reference * 100.0 / 100.0)).collect();
        let attributes = QuantileTransformerFit {
            n_quantiles_: integer(count),
            quantiles_: Matrix(references.iter().map(row).collect()),
            references_: references.into_iter().collect(),
        };
        Ok(Fitted { parameters, features, attributes }.into())
    }
}

pub(crate) struct Variances(pub(crate) VarianceThreshold);

impl LearnNumbers for Variances {
    type Feature = Spread;
    const REFUSES: Refuses = Refuses::Infinity;

    fn see(&self, feature: &mut Spread, values: &[f64]) {
        feature.moments.add(values);
        feature.extremes.add(values);
        feature.has_missing |= values.iter().any(|value| value.is_nan());
    }

    fn finish(self, seen: Seen<Spread>, features: Features) -> Result<FittedTransformer, Fault> {
        let threshold = self.0.threshold.0;
        let variance = |spread: &Spread| {
            let variance = spread.moments.variance();
            // From the smallest to the largest value, where rounding might make a variance of a constant.
            if threshold == 0.0 && !spread.has_missing {
                return variance.min(spread.extremes.largest - spread.extremes.smallest);
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

/// What VarianceThreshold needs of a feature.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    moments: Moments,
    extremes: Extremes,
    has_missing: bool,
}

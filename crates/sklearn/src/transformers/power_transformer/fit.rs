//! Fits a PowerTransformer: the exponent with which each column is most normal, by its likelihood
//! (`sklearn/preprocessing/_data.py`, `scipy/stats/_morestats.py`).

use super::write::{PowerMethod, PowerTransformer, PowerTransformerFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Refuses;
use crate::columns::origin::Origin;
use crate::parameters::class::Property;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::statistics::kept::Kept;
use crate::statistics::minimize;
use crate::statistics::moments::{Moments, is_constant, sum};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{ByFeature, FitInput, Learn, LearnNumbers, Seen};
use crate::transformers::specification::Fit;
use crate::transformers::standard_scaler::{StandardScaler, standardize};

impl Fit for PowerTransformer {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(ByFeature::new(Power { parameters: self, is_sparse: input.is_sparse }, input))
    }
}

struct Power {
    parameters: PowerTransformer,
    is_sparse: bool,
}

impl LearnNumbers for Power {
    type Feature = PowerFeature;
    const REFUSES: Refuses = Refuses::Infinity;
    const KEEPS: bool = true;

    fn see(&self, feature: &mut PowerFeature, values: &[f64]) {
        feature.has_missing |= values.iter().any(|value| value.is_nan());
        feature.kept.add(values);
    }

    fn finish(self, seen: Seen<PowerFeature>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        if self.is_sparse {
            return Err(Fault::new(
                "PowerTransformer does not take a sparse matrix: set sparse_output of the encoder before it to false",
            ));
        }
        let parameters = self.parameters;
        let mut lambdas = Vec::with_capacity(seen.features.len());
        let mut transformed = Vec::with_capacity(seen.features.len());
        for (feature, origin) in seen.features.iter().zip(&seen.origins) {
            let lambda = feature.lambda(parameters.method, seen.rows, *origin)?;
            let values: Vec<f64> = match lambda {
                // A constant stays unchanged: scikit-learn does not transform it to fit its scaler.
                None => feature.kept.values().to_vec(),
                Some(lambda) => {
                    feature.kept.values().iter().map(|value| transform(parameters.method, *value, lambda)).collect()
                }
            };
            let mut moments = Moments::default();
            moments.add(&values);
            transformed.push(moments);
            lambdas.push(lambda.unwrap_or(1.0));
        }
        let scaler = parameters.standardize.then(|| {
            let own = StandardScaler { copy: false, ..StandardScaler::default() };
            standardize(own, &transformed, InputFeatures { count: features.count, names: None }, false)
        });
        let attributes = PowerTransformerFit { lambdas_: lambdas.into_iter().collect(), scaler_: Property(scaler) };
        Ok(Fitted { parameters, features, attributes }.into())
    }
}

fn transform(method: PowerMethod, value: f64, lambda: f64) -> f64 {
    match method {
        PowerMethod::YeoJohnson => yeo_johnson(value, lambda),
        PowerMethod::BoxCox => box_cox(value, lambda),
    }
}

/// As scipy computes it since 1.12, by expm1 and log1p.
fn yeo_johnson(value: f64, lambda: f64) -> f64 {
    if value >= 0.0 {
        if lambda.abs() < f64::EPSILON { value.ln_1p() } else { (lambda * value.ln_1p()).exp_m1() / lambda }
    } else if (lambda - 2.0).abs() > f64::EPSILON {
        -((2.0 - lambda) * (-value).ln_1p()).exp_m1() / (2.0 - lambda)
    } else {
        -(-value).ln_1p()
    }
}

fn box_cox(value: f64, lambda: f64) -> f64 {
    if lambda == 0.0 { value.ln() } else { (lambda * value.ln()).exp_m1() / lambda }
}

/// A column.
#[derive(Clone, Debug, Default)]
struct PowerFeature {
    kept: Kept,
    has_missing: bool,
}

impl PowerFeature {
    /// The exponent; none for a constant, which Yeo-Johnson does not change.
    fn lambda(&self, method: PowerMethod, rows: usize, origin: Origin) -> Result<Option<f64>, Fault> {
        let values = self.kept.values();
        let wrong = |message: &str| Err(Fault::of_column(origin, format!("PowerTransformer: {message}")));
        if values.is_empty() {
            return wrong("the column has no value");
        }
        let mut moments = Moments::default();
        moments.add(values);
        let constant = !self.has_missing && is_constant(moments.variance(), moments.mean(), rows as f64);
        match method {
            PowerMethod::YeoJohnson if constant => Ok(None),
            PowerMethod::YeoJohnson => Ok(Some(yeo_johnson_lambda(values))),
            PowerMethod::BoxCox if values.iter().any(|value| *value <= 0.0) => {
                wrong("box-cox can only be applied to numbers above 0")
            }
            PowerMethod::BoxCox if values.iter().all(|value| Some(value) == values.first()) => {
                wrong("box-cox cannot be applied to a column that has one value only")
            }
            PowerMethod::BoxCox => match box_cox_lambda(values) {
                Some(lambda) => Ok(Some(lambda)),
                None => wrong("no exponent of box-cox is best for the column"),
            },
        }
    }
}

/// `scipy.stats.yeojohnson_normmax`
fn yeo_johnson_lambda(values: &[f64]) -> f64 {
    if values.iter().all(|value| *value == 0.0) {
        return 1.0;
    }
    let shift =
        sum(values.iter().map(|value| value.signum() * value.abs().ln_1p() * f64::from(u8::from(*value != 0.0))));
    let count = values.len() as f64;
    let negative_likelihood = |lambda: f64| {
        let mut moments = Moments::default();
        let transformed: Vec<f64> = values.iter().map(|value| yeo_johnson(*value, lambda)).collect();
        moments.add(&transformed);
        let variance = moments.variance();
        // A variance this small results from an overflow; its likelihood must not win.
        if variance < f64::MIN_POSITIVE || variance.is_nan() || variance.is_infinite() {
            return f64::INFINITY;
        }
        count / 2.0 * variance.ln() - (lambda - 1.0) * shift
    };
    // The bounds within which neither the transformed values nor their variance can overflow (scipy#18852).
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let log_largest = (20.0 * largest).ln_1p();
    let log_epsilon = f64::EPSILON.ln();
    let mut low = (f64::MIN_POSITIVE.ln() - log_epsilon) / 2.0 / log_largest;
    let mut high = (f64::MAX.ln() + log_epsilon) / 2.0 / log_largest;
    if values.iter().all(|value| *value < 0.0) {
        (low, high) = (2.0 - high, 2.0 - low);
    } else if values.iter().any(|value| *value < 0.0) {
        (low, high) = (low.max(2.0 - high), high.min(2.0 - low));
    }
    minimize::within(negative_likelihood, low, high)
}

/// `scipy.stats.boxcox_normmax(method='mle')`
fn box_cox_lambda(values: &[f64]) -> Option<f64> {
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let (count, sum_of_logs) = (logs.len() as f64, sum(logs.iter().copied()));
    let middle = sum_of_logs / count;
    let negative_likelihood = |lambda: f64| {
        let mut moments = Moments::default();
        let log_variance = if lambda == 0.0 {
            moments.add(&logs);
            moments.variance().ln()
        } else {
            // The variance of x^lambda, with the middle taken out so that nothing overflows or cancels; the division by
            // lambda is a separate term.
            let powers: Vec<f64> = logs.iter().map(|log| (lambda * (log - middle)).exp_m1()).collect();
            moments.add(&powers);
            moments.variance().ln() + 2.0 * lambda * middle - 2.0 * lambda.abs().ln()
        };
        -((lambda - 1.0) * sum_of_logs - count / 2.0 * log_variance)
    };
    minimize::from(negative_likelihood, -2.0, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_scipys() {
        // scipy 1.17: yeojohnson_normmax and boxcox_normmax(method="mle").
        let values = [1.0, 2.0, 3.0, 4.0, 9.0];
        assert!((yeo_johnson_lambda(&values) - YEO_JOHNSON).abs() < 1e-7);
        assert!((box_cox_lambda(&values).unwrap() - BOX_COX).abs() < 1e-7);
        let both = [-3.0, -1.0, 0.5, 2.0, 8.0, 30.0];
        assert!((yeo_johnson_lambda(&both) - YEO_JOHNSON_OF_BOTH).abs() < 1e-7);
    }

    const YEO_JOHNSON: f64 = -0.36418062338089696;
    const BOX_COX: f64 = -0.05316485531564388;
    const YEO_JOHNSON_OF_BOTH: f64 = 0.39255871163890155;
}

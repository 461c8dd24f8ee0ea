//! Applies a fitted PowerTransformer to columns.

use std::sync::Arc;

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::{Apply, Transformer};
use byoc_formats::error::Result;

/// A power for each feature.
#[derive(Debug)]
pub(super) struct PowerTransformer {
    pub(super) method: Method,
    pub(super) lambdas: Arc<[f64]>,
    pub(super) scaler: Option<Transformer>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method {
    /// As scipy computes it, which scikit-learn calls from 1.9 on.
    YeoJohnson,
    /// As scikit-learn did before: a power minus 1, which loses digits for a lambda near 0.
    YeoJohnsonByPowers,
    BoxCox,
}

impl Apply for PowerTransformer {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::Infinity)?;
        for (index, lambda) in self.lambdas.iter().enumerate() {
            match self.method {
                Method::YeoJohnson => {
                    floats.map_column(index, |value| yeo_johnson(value, *lambda, power_less_one));
                    continue;
                }
                Method::YeoJohnsonByPowers => {
                    floats.map_column(index, |value| {
                        yeo_johnson(value, *lambda, |base, power| (base + 1.0).powf(power) - 1.0)
                    });
                    continue;
                }
                Method::BoxCox => {}
            }
            if let Some(column) = floats.columns.get(index)
                && let Some(row) = column.values.iter().position(|value| *value <= 0.0)
            {
                return Err(Fault::of_value(
                    column.origin,
                    row,
                    "expected a number above 0, as Box-Cox takes no other",
                ));
            }
            floats.map_column(index, |value| box_cox(value, *lambda));
        }
        let rows = floats.columns.first().map_or(0, |column| column.values.len());
        match &self.scaler {
            Some(scaler) => scaler.apply(floats.into_features(), rows),
            None => Ok(floats.into_features()),
        }
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::LOGARITHM + cost::TEXT_TO_NUMBER)
    }
}

/// `less_one(x, p)` is `(x + 1)^p - 1`.
pub(super) fn yeo_johnson(value: f64, lambda: f64, less_one: impl Fn(f64, f64) -> f64) -> f64 {
    if value >= 0.0 {
        if lambda.abs() < f64::EPSILON { value.ln_1p() } else { less_one(value, lambda) / lambda }
    } else if (lambda - 2.0).abs() <= f64::EPSILON {
        -(-value).ln_1p()
    } else {
        -less_one(-value, 2.0 - lambda) / (2.0 - lambda)
    }
}

pub(super) fn power_less_one(base: f64, power: f64) -> f64 {
    (power * base.ln_1p()).exp_m1()
}

pub(super) fn box_cox(value: f64, lambda: f64) -> f64 {
    if lambda == 0.0 { value.ln() } else { (lambda * value.ln()).exp_m1() / lambda }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{apply_floats, message};

    #[test]
    fn powers_equal_those_of_scipy() {
        // scipy.stats.yeojohnson and boxcox.
        let cases = [(2.0, 0.0, 1.0986122886681098), (2.0, 0.5, 1.4641016151377544), (-2.0, 2.0, -1.0986122886681098)];
        for (value, lambda, expected) in cases {
            assert!((yeo_johnson(value, lambda, power_less_one) - expected).abs() < 1e-15, "{value} {lambda}");
        }
        // Near 0 the power minus 1 loses its digits; numpy.log1p(1) is the limit.
        let near_zero = yeo_johnson(1.0, 3.94367977e-8, power_less_one);
        assert!((near_zero - 0.693_147_190_03).abs() < 1e-10, "{near_zero}");
        let by_powers = |base: f64, power| (base + 1.0).powf(power) - 1.0;
        assert_eq!(yeo_johnson(3.0, 1.0, by_powers), 3.0);
        assert_eq!(yeo_johnson(-3.0, 1.0, by_powers), -3.0);
        assert!((box_cox(4.0, 0.5) - 2.0).abs() < 1e-15);
        assert_eq!(box_cox(1.0, 0.0), 0.0);
    }

    #[test]
    fn box_cox_refuses_values_that_are_not_positive_and_keeps_missing_ones() {
        let transformer = PowerTransformer { method: Method::BoxCox, lambdas: [0.5].into(), scaler: None };
        let transformer: &'static PowerTransformer = Box::leak(Box::new(transformer));
        assert!(apply_floats(|features| transformer.apply(features, 1), vec![vec![f64::NAN]])[0][0].is_nan());
        let zero = Feature::new(
            crate::columns::origin::Origin::column(0),
            byoc_formats::rows::table::Column::Float64(vec![1.0, 0.0]),
        );
        assert!(message(transformer.apply(vec![zero], 1)).starts_with("row 2, column 1: expected a number above 0"));
    }
}

//! Reads a SelectFromModel from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::feature::Refuses;
use crate::columns::python_number::parse_float;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::transformers::class::PickledClass;
use crate::transformers::shared::feature_mask;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;
use std::cmp::Ordering;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["SelectFromModel"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.feature_selection._from_model", "sklearn.feature_selection.from_model"]
    }

    fn build<'t>(
        &self,
        selector: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let kept = mask(selector, builder)?;
        feature_mask::build(selector, kept, Refuses::InfinityAndMissing, input, builder)
    }

    fn feature_names_out(&self, selector: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        feature_mask::feature_names_out(selector, mask, given, bounds)
    }
}

/// The features with coefficients that matter (`sklearn.feature_selection._from_model`).
fn mask<'t>(selector: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<Box<[bool]>> {
    let value = selector.get("estimator_").map_or_else(|| selector.required("estimator"), Ok)?;
    let estimator =
        Attributes::of(value).ok_or_else(|| selector.mismatch("estimator_", "a fitted linear estimator", value))?;
    let length = estimator.get("coef_").and_then(Value::as_array).map_or(0, |array| array.len());
    builder.work.charge_items::<f64>(length)?;
    // As floats, their norms, and those in order.
    let _held = builder.allowance().hold(length.saturating_mul(3 * size_of::<f64>()))?;
    let importances = importances(selector, estimator)?;
    let threshold = threshold(selector, estimator, &importances)?;
    let mut kept: Box<[bool]> = importances.iter().map(|_| true).collect();
    if selector.present("max_features").is_some() {
        let most = selector.count("max_features")?;
        let mut order: Vec<usize> = (0..importances.len()).collect();
        let importance = |index: &usize| importances.get(*index).copied().unwrap_or(f64::NAN);
        order.sort_by(|one, other| importance(other).partial_cmp(&importance(one)).unwrap_or(Ordering::Equal));
        kept = feature_mask::keep(importances.len(), order.into_iter().take(most));
    }
    for (kept, importance) in kept.iter_mut().zip(&importances) {
        *kept &= *importance >= threshold;
    }
    Ok(kept)
}

/// The norm of each feature's coefficients.
fn importances(selector: Attributes<'_>, estimator: Attributes<'_>) -> Result<Vec<f64>> {
    let value = estimator.required("coef_")?;
    let mismatch = || estimator.mismatch("coef_", "an array of numbers of one or two dimensions", value);
    let array = value.as_array().ok_or_else(mismatch)?;
    let coefficients = array.to_f64().map_err(|_| mismatch())?;
    let norm = match selector.get("norm_order") {
        Some(_) => selector.number("norm_order")?,
        None => 1.0,
    };
    let features = match array.shape() {
        [_] => return Ok(coefficients.into_iter().map(f64::abs).collect()),
        [_, features] => *features,
        _ => return Err(mismatch()),
    };
    // A shape of no rows has no bytes, however many features it claims.
    if coefficients.is_empty() {
        return Err(mismatch());
    }
    let of_feature = |feature: usize| {
        let own = coefficients.iter().skip(feature).step_by(features.max(1)).map(|value| value.abs());
        match norm {
            f64::INFINITY => own.fold(0.0, f64::max),
            1.0 => own.sum(),
            _ => own.map(|value| value.powf(norm)).sum::<f64>().powf(1.0 / norm),
        }
    };
    Ok((0..features).map(of_feature).collect())
}

/// A number; `mean`, `median` or a multiple of one; or by default 1e-5 for an estimator with an l1 penalty, else the
/// mean.
fn threshold(selector: Attributes<'_>, estimator: Attributes<'_>, importances: &[f64]) -> Result<f64> {
    let value = selector.required("threshold")?;
    let l1 = estimator.get("penalty").and_then(Value::as_str) == Some("l1")
        || estimator.class().contains("Lasso")
        || estimator.class().contains("ElasticNet")
            && estimator.get("l1_ratio").and_then(Value::as_number) == Some(1.0);
    if value.is_none() {
        return Ok(if l1 { 1e-5 } else { mean(importances) });
    }
    if let Some(number) = value.as_number() {
        return Ok(number);
    }
    let read = || {
        let text = value.as_str()?;
        let (scale, reference) = text.split_once('*').unwrap_or(("1", text));
        let reference = match reference.trim() {
            "mean" => mean(importances),
            "median" => median(importances),
            _ => return None,
        };
        Some(parse_float(scale)? * reference)
    };
    read().ok_or_else(|| selector.mismatch("threshold", "None, a number, or a multiple of mean or median", value))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert_eq!((median(&[4.0, 1.0, 3.0, 2.0]), median(&[5.0, 1.0, 2.0]), mean(&[1.0, 2.0])), (2.5, 2.0, 1.5));
    }
}

//! `sklearn.feature_selection`: keeps some of the features, chosen at fit.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::check_array::CheckArray;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names};
use crate::transformers::Transformer;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ItemKind, Value};
use std::cmp::Ordering;

/// Which features are kept.
#[derive(Debug)]
pub(crate) struct FeatureSelection {
    kept: Box<[bool]>,
    refuses: Refuses,
    check: CheckArray,
    /// From 1.3 on, a frame of which a frame is to be made (`set_output(transform="pandas")`) stays what it is and is not
    /// looked at.
    keeps_frames: bool,
}

/// Whether a class is a selector that is built here.
pub(crate) fn supports(class: &str) -> bool {
    matches!(
        class,
        "GenericUnivariateSelect"
            | "RFE"
            | "RFECV"
            | "SelectFdr"
            | "SelectFpr"
            | "SelectFromModel"
            | "SelectFwe"
            | "SelectKBest"
            | "SelectPercentile"
            | "SequentialFeatureSelector"
            | "VarianceThreshold"
    )
}

/// Reads what the selector's class needs; scikit-learn works the choice out anew at each transform.
pub(crate) fn build<'t>(
    selector: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let kept: Box<[bool]> = match selector.class() {
        "VarianceThreshold" => {
            let threshold = selector.number("threshold")?;
            builder.numbers_in(selector, "variances_")?.iter().map(|variance| *variance > threshold).collect()
        }
        "SelectFromModel" => from_model(selector, builder)?,
        "GenericUnivariateSelect" => univariate(selector, selector.text("mode")?, "param", builder)?,
        "SelectKBest" => univariate(selector, "k_best", "k", builder)?,
        "SelectPercentile" => univariate(selector, "percentile", "percentile", builder)?,
        "SelectFpr" => univariate(selector, "fpr", "alpha", builder)?,
        "SelectFdr" => univariate(selector, "fdr", "alpha", builder)?,
        "SelectFwe" => univariate(selector, "fwe", "alpha", builder)?,
        _ => support(selector, builder)?,
    };
    builder.accept(input, selector, kept.len())?;
    builder.keep_items::<bool>(kept.len())?;
    let width = kept.iter().filter(|kept| **kept).count();
    // From 0.22 on nothing is refused where missing values may pass (the tag allow_nan).
    let passes_all = selector.class() == "VarianceThreshold" && builder.version >= Version::new(0, 22);
    let refuses = if passes_all { Refuses::Nothing } else { Refuses::InfinityAndMissing };
    let keeps_frames = input.frame && selector.gives_frames() && builder.version >= Version::new(1, 3);
    let selection = FeatureSelection { kept, refuses, check: CheckArray::of(builder.version), keeps_frames };
    Ok(Built::array(Transformer::FeatureSelection(selection), width))
}

/// One of the univariate selectors, by its name as a mode of GenericUnivariateSelect; the attribute of that name says how
/// much is kept.
fn univariate<'t>(
    selector: Attributes<'t>,
    mode: &str,
    how_much: &str,
    builder: &mut Builder<'t, '_>,
) -> Result<Box<[bool]>> {
    let scores = match mode {
        "k_best" | "percentile" => "scores_",
        "fpr" | "fdr" | "fwe" => "pvalues_",
        _ => {
            return Err(
                selector.error(format_args!("expected mode to be k_best, percentile, fpr, fdr or fwe, found {mode:?}"))
            );
        }
    };
    let scores = builder.numbers_in(selector, scores)?;
    let length = scores.len();
    builder.work.charge_items::<u64>(length)?;
    // Put in order, and before that without NaN.
    let copies = match mode {
        "percentile" => 2,
        "k_best" | "fdr" => 1,
        _ => 0,
    };
    let _held = builder.allowance().hold(length.saturating_mul(copies * size_of::<u64>()))?;
    match mode {
        "k_best" => best(&scores, selector, how_much),
        "percentile" => Ok(percentile(&scores, selector.number(how_much)?)),
        "fpr" => Ok(below(&scores, selector.number(how_much)?)),
        "fdr" => Ok(false_discovery_rate(&scores, selector.number(how_much)?)),
        _ => Ok(below(&scores, selector.number(how_much)? / length as f64)),
    }
}

/// The `k` highest scores; of equal ones the later features, and NaN is the lowest of all.
fn best(scores: &[f64], selector: Attributes<'_>, how_many: &str) -> Result<Box<[bool]>> {
    let value = selector.required(how_many)?;
    if value.as_str() == Some("all") {
        return Ok(scores.iter().map(|_| true).collect());
    }
    let k = selector.count(how_many)?;
    let score =
        |index: &usize| scores.get(*index).copied().filter(|score| !score.is_nan()).unwrap_or(f64::NEG_INFINITY);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|one, other| {
        score(one).partial_cmp(&score(other)).unwrap_or(Ordering::Equal).then(one.cmp(other))
    });
    Ok(keep(scores.len(), order.into_iter().rev().take(k)))
}

fn keep(length: usize, kept: impl Iterator<Item = usize>) -> Box<[bool]> {
    let mut mask = vec![false; length];
    for index in kept {
        if let Some(kept) = mask.get_mut(index) {
            *kept = true;
        }
    }
    mask.into()
}

/// The scores above a percentile, and of those at it as many from the left as there is room for.
fn percentile(scores: &[f64], percentile: f64) -> Box<[bool]> {
    if percentile >= 100.0 || percentile <= 0.0 {
        return scores.iter().map(|_| percentile >= 100.0).collect();
    }
    let scores: Vec<f64> = scores.iter().map(|score| if score.is_nan() { f64::MIN } else { *score }).collect();
    let mut sorted = scores.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = sorted.len().saturating_sub(1) as f64 * (100.0 - percentile) / 100.0;
    let at = |index: usize| sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN);
    let (low, high) = (at(rank as usize), at(rank as usize + 1));
    let threshold = if rank.fract() > 0.0 { low + (high - low) * rank.fract() } else { low };
    let mut kept: Box<[bool]> = scores.iter().map(|score| *score > threshold).collect();
    let room = (scores.len() as f64 * percentile / 100.0) as usize;
    let room = room.saturating_sub(kept.iter().filter(|kept| **kept).count());
    for (kept, _) in kept.iter_mut().zip(&scores).filter(|(_, score)| **score == threshold).take(room) {
        *kept = true;
    }
    kept
}

fn below(p_values: &[f64], alpha: f64) -> Box<[bool]> {
    p_values.iter().map(|p_value| *p_value < alpha).collect()
}

/// Benjamini and Hochberg.
fn false_discovery_rate(p_values: &[f64], alpha: f64) -> Box<[bool]> {
    let mut sorted = p_values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let step = alpha / sorted.len() as f64;
    let passed = sorted.iter().zip(1u32..).filter(|(p_value, rank)| **p_value <= step * f64::from(*rank));
    let highest = passed.map(|(p_value, _)| *p_value).fold(f64::NEG_INFINITY, f64::max);
    p_values.iter().map(|p_value| *p_value <= highest).collect()
}

/// `support_` of RFE, RFECV and SequentialFeatureSelector.
fn support<'t>(selector: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<Box<[bool]>> {
    let value = selector.required("support_")?;
    let length = value.as_array().map_or(0, |array| array.len());
    builder.work.charge_items::<i64>(length)?;
    let _held = builder.allowance().hold(length.saturating_mul(size_of::<i64>() + size_of::<bool>()))?;
    let array =
        crate::artifact::attributes::one_dimensional(value).filter(|array| array.dtype().kind == ItemKind::Bool);
    let mask = array.and_then(|array| array.to_i64().ok());
    let mask = mask.ok_or_else(|| selector.mismatch("support_", "a one-dimensional array of bool", value))?;
    Ok(mask.into_iter().map(|kept| kept != 0).collect())
}

/// The features with coefficients that matter (`sklearn.feature_selection._from_model`).
fn from_model<'t>(selector: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<Box<[bool]>> {
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
        kept = keep(importances.len(), order.into_iter().take(most));
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
        Some(crate::columns::python_number::parse_float(scale)? * reference)
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

impl FeatureSelection {
    pub(crate) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = if self.keeps_frames {
            features
        } else {
            let features = self.check.any(features);
            self.check.refuse(&features, self.refuses)?;
            features
        };
        Ok(features.into_iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(feature, _)| feature).collect())
    }

    pub(crate) fn keeps_frames(&self) -> bool {
        self.keeps_frames
    }

    /// How many columns it gives.
    pub(crate) fn width(&self) -> usize {
        self.kept.iter().filter(|kept| **kept).count()
    }
}

/// The names of the features that are kept.
pub(crate) fn feature_names_out<'t>(selector: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let mut builder = Builder::new(bounds.version, bounds.artifact_bytes, bounds.work.allowance);
    let built = build(selector, &Input::unknown(), &mut builder)?;
    builder.finish();
    let Transformer::FeatureSelection(selection) = built.transformer else {
        return names::names_in(selector, given, bounds);
    };
    let given = names::choose(names::fitted(selector, bounds)?.as_deref(), Some(selection.kept.len()), given, bounds)?;
    Ok(given.into_iter().zip(&selection.kept).filter(|(_, kept)| **kept).map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_keeps_ties_from_the_left_as_far_as_there_is_room() {
        assert_eq!(*percentile(&[1.0, 3.0, 3.0, f64::NAN], 50.0), [false, true, true, false]);
        assert_eq!(*percentile(&[2.0, 2.0, 2.0, 2.0], 50.0), [true, true, false, false]);
        assert_eq!(*percentile(&[1.0, 2.0], 100.0), [true, true]);
        assert_eq!(*percentile(&[1.0, 2.0], 0.0), [false, false]);
    }

    #[test]
    fn the_false_discovery_rate_keeps_all_up_to_the_last_that_passes() {
        assert_eq!(*false_discovery_rate(&[0.04, 0.01, 0.9, 0.03], 0.06), [true, true, false, true]);
        assert_eq!(*false_discovery_rate(&[0.9, 0.8], 0.05), [false, false]);
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert_eq!((median(&[4.0, 1.0, 3.0, 2.0]), median(&[5.0, 1.0, 2.0]), mean(&[1.0, 2.0])), (2.5, 2.0, 1.5));
    }
}

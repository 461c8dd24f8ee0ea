//! Reads a univariate selector from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::artifact::class_list::ClassNames;
use crate::columns::feature::Refuses;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::transformers::class::PickledClass;
use crate::transformers::shared::feature_mask;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Usage;
use std::cmp::Ordering;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest", "SelectPercentile"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.feature_selection._univariate_selection", "sklearn.feature_selection.univariate_selection"]
    }

    /// The functions that score features.
    fn companions(&self) -> &'static [ClassNames] {
        &[
            ClassNames {
                modules: &[
                    "sklearn.feature_selection._univariate_selection",
                    "sklearn.feature_selection.univariate_selection",
                ],
                names: &["chi2", "f_classif", "f_oneway", "f_regression", "r_regression"],
                usage: Usage::Name,
            },
            ClassNames {
                modules: &["sklearn.feature_selection._mutual_info", "sklearn.feature_selection.mutual_info_"],
                names: &["mutual_info_classif", "mutual_info_regression"],
                usage: Usage::Name,
            },
        ]
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

/// Reads the scores or p-values, and how many features are kept.
fn mask<'t>(selector: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<Box<[bool]>> {
    match selector.class() {
        "SelectKBest" => univariate(selector, "k_best", "k", builder),
        "SelectPercentile" => univariate(selector, "percentile", "percentile", builder),
        "SelectFpr" => univariate(selector, "fpr", "alpha", builder),
        "SelectFdr" => univariate(selector, "fdr", "alpha", builder),
        "SelectFwe" => univariate(selector, "fwe", "alpha", builder),
        _ => univariate(selector, selector.text("mode")?, "param", builder),
    }
}

/// One of the univariate selectors, by its name as a mode of GenericUnivariateSelect; the attribute of that name
/// determines how many features are kept.
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
    Ok(feature_mask::keep(scores.len(), order.into_iter().rev().take(k)))
}

/// Selects the scores above the threshold of a percentile, and ties at it from the left, up to the percentile's number.
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
    let wanted = (scores.len() as f64 * percentile / 100.0) as usize;
    let ties = wanted.saturating_sub(kept.iter().filter(|kept| **kept).count());
    for (kept, _) in kept.iter_mut().zip(&scores).filter(|(_, score)| **score == threshold).take(ties) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_keeps_ties_from_the_left_up_to_its_count() {
        assert_eq!(*percentile(&[1.0, 3.0, 3.0, f64::NAN], 50.0), [false, true, true, false]);
        assert_eq!(*percentile(&[2.0, 2.0, 2.0, 2.0], 50.0), [true, true, false, false]);
        assert_eq!(*percentile(&[1.0, 2.0], 100.0), [true, true]);
        assert_eq!(*percentile(&[1.0, 2.0], 0.0), [false, false]);
    }

    #[test]
    fn the_false_discovery_rate_keeps_all_features_up_to_the_last_that_passes() {
        assert_eq!(*false_discovery_rate(&[0.04, 0.01, 0.9, 0.03], 0.06), [true, true, false, true]);
        assert_eq!(*false_discovery_rate(&[0.9, 0.8], 0.05), [false, false]);
    }
}

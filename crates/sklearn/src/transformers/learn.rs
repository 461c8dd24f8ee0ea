//! How a transformer without parts learns from rows.

use super::FittedTransformer;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::columns::origin::Origin;
use crate::parameters::class::InputFeatures;

/// The input of a transformer that is being fitted.
#[derive(Clone, Debug)]
pub(crate) struct FitInput {
    pub(crate) features: InputFeatures,
    /// Whether it would be a sparse matrix in scikit-learn.
    pub(crate) is_sparse: bool,
}

impl FitInput {
    /// No columns.
    pub(crate) fn none() -> FitInput {
        FitInput { features: InputFeatures::default(), is_sparse: false }
    }
}

/// A transformer that learns from rows.
pub(crate) trait Learn {
    /// Takes some rows.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises at a value.
    fn see(&mut self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<(), Fault>;

    /// Ends the pass: the fitted transformer.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises for all rows together.
    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault>;

    /// The number of columns whose values stay in memory until the end of the pass.
    fn kept_columns(&self) -> usize {
        0
    }
}

/// Learns about each feature separately, from numbers.
pub(crate) trait LearnNumbers {
    /// The state for one feature.
    type Feature: Default;

    /// The values that scikit-learn's `fit` refuses.
    const REFUSES: Refuses;

    fn see(&self, feature: &mut Self::Feature, values: &[f64]);

    /// # Errors
    /// Where scikit-learn's `fit` raises.
    fn finish(self, seen: Seen<Self::Feature>, features: InputFeatures) -> Result<FittedTransformer, Fault>;

    /// Whether all values of a column are kept.
    const KEEPS: bool = false;
}

/// The state after some rows.
pub(crate) struct Seen<F> {
    pub(crate) rows: usize,
    pub(crate) features: Vec<F>,
    pub(crate) origins: Vec<Origin>,
}

/// Learns about each feature separately.
pub(crate) struct ByFeature<L: LearnNumbers> {
    learner: L,
    seen: Seen<L::Feature>,
}

impl<L: LearnNumbers> ByFeature<L> {
    pub(crate) fn new(learner: L, input: &FitInput) -> ByFeature<L> {
        let features = std::iter::repeat_with(L::Feature::default).take(input.features.count).collect();
        ByFeature { learner, seen: Seen { rows: 0, features, origins: Vec::new() } }
    }
}

impl<L: LearnNumbers> Learn for ByFeature<L> {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<(), Fault> {
        self.seen.rows += rows;
        if self.seen.origins.is_empty() {
            self.seen.origins = features.iter().map(|feature| feature.origin).collect();
        }
        let floats = Floats::from_features(features, L::REFUSES)?;
        for (known, column) in self.seen.features.iter_mut().zip(&floats.columns) {
            self.learner.see(known, &column.values);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        self.learner.finish(self.seen, features)
    }

    fn kept_columns(&self) -> usize {
        if L::KEEPS { self.seen.features.len() } else { 0 }
    }
}

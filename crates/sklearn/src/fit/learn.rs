//! What a transformer does while rows go by.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Origin, Refuses};
use crate::document::{Features, FittedTransformer};
use crate::fit::plan::Input;

/// A transformer on its way to being fitted.
pub(crate) trait Learn {
    /// Takes some rows.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises at a value.
    fn see(&mut self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<(), Fault>;

    /// Has seen all rows.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises at what the rows come to.
    fn finish(self: Box<Self>, features: Features) -> Result<FittedTransformer, Fault>;

    /// How many columns are kept in memory.
    fn kept_columns(&self) -> usize {
        0
    }
}

/// What is learned of each feature on its own, from numbers.
pub(crate) trait LearnNumbers {
    /// What is known of one feature.
    type Feature: Default;

    /// What scikit-learn's `fit` refuses.
    const REFUSES: Refuses;

    fn see(&self, feature: &mut Self::Feature, values: &[f64]);

    /// # Errors
    /// Where scikit-learn's `fit` raises.
    fn finish(self, seen: Seen<Self::Feature>, features: Features) -> Result<FittedTransformer, Fault>;

    /// Whether all values of a column are kept.
    const KEEPS: bool = false;
}

/// What was seen of all features.
pub(crate) struct Seen<F> {
    pub(crate) rows: usize,
    pub(crate) features: Vec<F>,
    pub(crate) origins: Vec<Origin>,
}

/// Learns of each feature on its own.
pub(crate) struct ByFeature<L: LearnNumbers> {
    learner: L,
    seen: Seen<L::Feature>,
}

impl<L: LearnNumbers> ByFeature<L> {
    pub(crate) fn new(learner: L, input: &Input) -> ByFeature<L> {
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

    fn finish(self: Box<Self>, features: Features) -> Result<FittedTransformer, Fault> {
        self.learner.finish(self.seen, features)
    }

    fn kept_columns(&self) -> usize {
        if L::KEEPS { self.seen.features.len() } else { 0 }
    }
}

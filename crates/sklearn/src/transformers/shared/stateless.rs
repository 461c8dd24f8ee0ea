//! A fit that learns only the number of features, and refuses the values that scikit-learn's `fit` refuses.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::parameters::class::InputFeatures;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::Learn;

/// Accepts finite numbers; the function creates the fitted transformer.
pub(in crate::transformers) struct Stateless<F>(pub(in crate::transformers) F);

impl<F: FnOnce(InputFeatures) -> Result<FittedTransformer, Fault>> Learn for Stateless<F> {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        Floats::from_features(features, Refuses::InfinityAndMissing).map(drop)
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        (self.0)(features)
    }
}

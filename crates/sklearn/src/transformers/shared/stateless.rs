//! A fit that learns nothing but how many features there are, and refuses the values that scikit-learn's `fit` refuses.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::parameters::class::InputFeatures;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::Learn;

/// Takes finite numbers; the function makes the fitted transformer.
pub(in crate::transformers) struct Stateless<F>(pub(in crate::transformers) F);

impl<F: FnOnce(InputFeatures) -> Result<FittedTransformer, Fault>> Learn for Stateless<F> {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        Floats::from_features(features, Refuses::InfinityAndMissing).map(drop)
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        (self.0)(features)
    }
}

//! Transformers that learn nothing but how many features there are: they check what `fit` checks.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::document::{
    Binarizer, BinarizerFit, Features, Fitted, FittedTransformer, FunctionTransformer, FunctionTransformerFit,
    Normalizer, NormalizerFit, PolynomialFeatures, PolynomialFeaturesFit,
};
use crate::fit::learn::Learn;

/// One of them.
pub(crate) enum Stateless {
    Binarizer(Binarizer),
    FunctionTransformer(FunctionTransformer),
    Normalizer(Normalizer),
    PolynomialFeatures(PolynomialFeatures),
}

/// More features than this are refused: nobody could use them.
const MOST_FEATURES: usize = 1 << 24;

impl Learn for Stateless {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        match self {
            Stateless::FunctionTransformer(FunctionTransformer { validate: false, .. }) => Ok(()),
            _ => Floats::from_features(features, Refuses::InfinityAndMissing).map(drop),
        }
    }

    fn finish(self: Box<Self>, features: Features) -> Result<FittedTransformer, Fault> {
        Ok(match *self {
            Stateless::Binarizer(parameters) => Fitted { parameters, features, attributes: BinarizerFit {} }.into(),
            Stateless::FunctionTransformer(parameters) => {
                Fitted { parameters, features, attributes: FunctionTransformerFit {} }.into()
            }
            Stateless::Normalizer(parameters) => Fitted { parameters, features, attributes: NormalizerFit {} }.into(),
            Stateless::PolynomialFeatures(parameters) => {
                let (lowest, highest) = parameters.degrees();
                if lowest > highest {
                    return Err(Fault::new(format!(
                        "PolynomialFeatures: expected degree to have the lower one first, found [{lowest}, {highest}]"
                    )));
                }
                if highest == 0 && !parameters.include_bias {
                    return Err(Fault::new("PolynomialFeatures: degree 0 without include_bias gives no feature"));
                }
                let count = parameters.count(features.count, lowest, highest);
                let count = count.filter(|count| *count <= MOST_FEATURES).ok_or_else(|| {
                    Fault::new(format!("PolynomialFeatures: expected at most {MOST_FEATURES} features, found more"))
                })?;
                Fitted { parameters, features, attributes: PolynomialFeaturesFit { n_output_features_: count } }.into()
            }
        })
    }
}
